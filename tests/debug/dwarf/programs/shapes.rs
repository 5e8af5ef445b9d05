// Types of Rust; `stop` is where a debugger looks.
use std::rc::Rc;

#[derive(Debug, Clone)]
enum Shape {
    Empty,
    Circle { radius: f64 },
    Pair(i32, u8),
}
#[derive(Debug, Clone, Copy, PartialEq)]
enum Level {
    Low = 1,
    High = 9,
}
struct Point {
    x: i32,
    y: i64,
}
struct Unit;
struct Wrapped(u16, char);

#[inline(never)]
#[no_mangle]
pub extern "C" fn stop() {
    std::hint::black_box(());
}

mod deep {
    pub static COUNTER: u32 = 17;
    pub struct Generic<T> {
        pub inner: T,
    }
}

#[inline(never)]
fn show(number: i32, text: &str, owned: String, slice: &[u16]) -> usize {
    let point = Point { x: -4, y: 1 << 40 };
    let tuple = (1u8, -2i16, "t");
    let unit = Unit;
    let wrapped = Wrapped(500, 'é');
    let letter = 'x';
    let truth = true;
    let vector = vec![10i64, 20, 30];
    let strings = vec![String::from("a"), String::from("bc")];
    let array = [1.5f32, 2.5];
    let some: Option<i32> = Some(5);
    let none: Option<i32> = None;
    let niche: Option<&i32> = Some(&number);
    let nothing: Option<Box<i32>> = None;
    let empty = Shape::Empty;
    let circle = Shape::Circle { radius: 2.5 };
    let pair = Shape::Pair(-7, 8);
    let level = Level::High;
    let result: Result<u8, String> = Err(String::from("bad"));
    let boxed = Box::new(77u64);
    let shared = Rc::new(5i8);
    let generic = deep::Generic { inner: Point { x: 1, y: 2 } };
    let big: i128 = -5;
    let closure = |a: i32| a + number;
    stop();
    let size = text.len() + owned.len() + slice.len() + vector.len() + strings.len();
    println!("{} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {} {} {}", point.x, point.y,
        tuple, letter, truth, array, some, none, niche, nothing, empty, circle, pair, level as i32,
        closure(1), big);
    let _ = (unit, wrapped.0, wrapped.1, result, boxed, shared, generic.inner.x, Level::Low);
    size + deep::COUNTER as usize
}

fn main() {
    let size = show(42, "borrowed", String::from("owned"), &[7, 8, 9]);
    std::process::exit((size & 1) as i32);
}
