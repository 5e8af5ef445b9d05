//! Generics, closures, trait objects, iterators, panics that are caught, threads.
use std::collections::BTreeMap;
use std::panic;

trait Shape {
    fn area(&self, scale: u64) -> u64;
}

struct Polygon<const SIDES: u64>;

impl<const SIDES: u64> Shape for Polygon<SIDES> {
    #[inline(never)]
    fn area(&self, scale: u64) -> u64 {
        if scale % 7 == 0 {
            panic!("area of {scale}");
        }
        mixed(scale) * SIDES
    }
}

#[inline(always)]
fn mixed(x: u64) -> u64 {
    let y = x ^ x << 13;
    leaf(y ^ y >> 7)
}

#[inline(never)]
fn leaf(x: u64) -> u64 {
    x.wrapping_mul(2654435761) >> 9
}

#[inline(never)]
fn fold<T: Copy, F: Fn(u64, T) -> u64>(items: &[T], function: F) -> u64 {
    items.iter().fold(0, |sum, item| function(sum, *item))
}

#[inline(never)]
fn recurse(depth: u32, x: u64) -> u64 {
    match depth {
        0 => mixed(x),
        _ => recurse(depth - 1, x + 1).wrapping_add(mixed(x)),
    }
}

#[inline(never)]
fn containers(n: u64) -> u64 {
    let mut names = BTreeMap::new();
    let mut items: Vec<u64> = (0..40).map(|i| leaf(i * n)).collect();
    items.sort_by(|a, b| b.cmp(a));
    for item in &items {
        *names.entry(format!("{:x}", item % 13)).or_insert(0u64) += item;
    }
    fold(&items, |a, b| a.wrapping_add(b)) ^ names.values().sum::<u64>()
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    let mut total = 0u64;
    for n in 1..u64::MAX {
        let shapes: [Box<dyn Shape>; 2] = [Box::new(Polygon::<3>), Box::new(Polygon::<6>)];
        let shape = &shapes[(n % 2) as usize];
        let area = panic::catch_unwind(panic::AssertUnwindSafe(|| shape.area(n)));
        total = total.wrapping_add(area.unwrap_or(1)) ^ recurse((n % 9) as u32, n) ^ containers(n);
        if total == 1 {
            println!("{total}");
        }
    }
}
