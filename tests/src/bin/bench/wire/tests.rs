use super::{Reader, post};

#[tokio::test]
async fn messages_are_told_apart() {
    let mut bytes = post("/a", "k", "{}");
    bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n10\r\n\r\r\n0\r\n\r\n");
    bytes.extend_from_slice(b"HTTP/1.1 204 No Content\r\n\r\n");
    let mut reader = Reader::new(bytes.as_slice());
    let mut bodies = Vec::new();
    while let Some(body) = reader.message(|message| Ok(message.body.len())).await.unwrap() {
        bodies.push(body);
    }
    assert_eq!(bodies, [2, 15, 0]);
}
