//! A panic that leaves the functions which are stepped over, and is caught.
use std::panic;

#[inline(never)]
fn thrower(n: i32) -> i32 {
    if n > 0 {
        return thrower(n - 1) + 1;
    }
    panic!("seven"); // throw
}

#[inline(never)]
fn passes(n: i32) -> i32 {
    let got = thrower(n); // leaves passes
    got + 1
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    let first = panic::catch_unwind(|| passes(2)); // whole
    let failed = first.is_err(); // after
    println!("{failed}"); // end
}
