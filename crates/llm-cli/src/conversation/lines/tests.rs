use super::*;

fn inputs(text: &str) -> Vec<Input> {
    let mut lines = Lines::new(text.as_bytes(), false);
    std::iter::from_fn(|| lines.next().expect("text")).collect()
}

fn message(text: &str) -> Input {
    Input::Message(text.to_owned())
}

#[test]
fn a_message_is_a_line_unless_it_goes_on() {
    assert_eq!(inputs("one\r\n\n  \ntwo \\\nlines\nlast"), [message("one"), message("two \nlines"), message("last")]);
    assert_eq!(inputs("ends on\\"), [message("ends on\n")]);
}

#[test]
fn a_fence_keeps_lines_as_they_are() {
    assert_eq!(inputs("\"\"\"\n/one\n\n  two\\\n\"\"\"\nthree"), [message("/one\n\n  two\\"), message("three")]);
    assert_eq!(inputs("\"\"\"\nto the end"), [message("to the end")]);
    assert_eq!(inputs("\"\"\"\n\"\"\"\n"), []);
}

#[test]
fn a_slash_begins_a_command_and_two_a_message() {
    let command = |name: &str, rest: &str| Input::Command(name.to_owned(), rest.to_owned());
    assert_eq!(
        inputs("/model  openai:gpt-4o \n/clear\n/\n//etc/passwd"),
        [command("model", "openai:gpt-4o"), command("clear", ""), command("", ""), message("/etc/passwd")]
    );
}
