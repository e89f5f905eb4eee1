use super::{Buffer, KEEP};

#[test]
fn what_is_pushed_is_what_is_left() {
    let mut buffer = Buffer::default();
    buffer.push(b"abc");
    buffer.release(2);
    buffer.push(b"def");
    assert_eq!(buffer.rest(), b"cdef");
    buffer.release(99);
    assert_eq!(buffer.rest(), b"");
}

#[test]
fn a_huge_frame_does_not_keep_its_memory() {
    let mut buffer = Buffer::default();
    buffer.push(&vec![0; 10 * KEEP]);
    buffer.release(10 * KEEP);
    buffer.push(b"x");
    assert!(buffer.bytes.capacity() <= KEEP);
}

#[test]
fn released_bytes_do_not_pile_up() {
    let mut buffer = Buffer::default();
    for _ in 0..10_000 {
        buffer.push(b"0123456789");
        buffer.release(9);
        buffer.release(1);
        buffer.push(b"+");
        buffer.release(1);
    }
    assert!(buffer.bytes.capacity() < 1024);
}
