//! `llm chat`: a conversation, with history, lines that go on, and commands that begin with a slash.
//!
//! Answers go to standard output; what invites to write, and everything else that is said, to standard error. Input that
//! is no terminal is a script: one that ends with a failed call fails.

mod lines;
mod transcript;

use std::io::{IsTerminal, stdin};

use llm_providers::chat::{ChatAnswer, Role};
use llm_providers::{ChatRequest, Client, Message};

use self::lines::{Input, Lines};
use crate::args::AskArgs;
use crate::failure::Failure;
use crate::{answering, model};

const HELP: &str = "\
/model [MODEL]  say which model is asked, or ask another from now on
/clear          forget what was said
/save FILE      write the conversation: as JSON where FILE ends in .json, else as Markdown
/help           this
/exit           leave, as the end of the input does
A line that ends in a backslash goes on; lines between two lines of \"\"\" are one message.";

pub(crate) async fn run(args: AskArgs) -> Result<(), Failure> {
    let client = Client::from_env()?;
    let model = model::choose(&client, args.model.clone())?;
    let by_hand = stdin().is_terminal();
    let mut talk = Conversation { client, model, args, said: Vec::new() };
    if by_hand {
        eprintln!("talking with {}; /help says what else there is", talk.model);
    }
    let mut lines = Lines::new(stdin().lock(), by_hand);
    let mut last = Ok(());
    while let Some(input) = lines.next()? {
        last = match input {
            Input::Message(text) => talk.ask(text).await,
            Input::Command(name, rest) if name == "exit" || name == "quit" => {
                drop(rest);
                break;
            }
            Input::Command(name, rest) => talk.obey(&name, &rest),
        };
        match last {
            // Whoever reads the answers has gone.
            Err(Failure::PipeClosed) => return last,
            Err(failure) if by_hand => {
                failure.say();
                last = Ok(());
            }
            Err(failure) => {
                failure.say();
                last = Err(failure.said());
            }
            Ok(()) => {}
        }
    }
    last
}

struct Conversation {
    client: Client,
    model: String,
    args: AskArgs,
    /// Everything that was said and answered, without the instructions.
    said: Vec<Message>,
}

impl Conversation {
    /// Asks, and remembers question and answer. A question that was not answered is forgotten.
    async fn ask(&mut self, text: String) -> Result<(), Failure> {
        let question = Message::text(Role::User, text);
        let mut request = ChatRequest::new(self.model.as_str());
        if let Some(system) = &self.args.system {
            request = request.system(system.as_str());
        }
        request.messages.extend(self.said.iter().cloned());
        request.messages.push(question.clone());
        request.temperature = self.args.temperature;
        request.max_tokens = self.args.max_tokens;
        let answered = answering::streaming(&self.client, request).await;
        let answer: ChatAnswer = answered.map_err(|failed| failed.of(&self.client, &self.model))?;
        answering::remark(&self.client, &answer, self.args.show_usage);
        self.said.push(question);
        self.said.extend(answer.message().cloned());
        Ok(())
    }

    fn obey(&mut self, command: &str, rest: &str) -> Result<(), Failure> {
        match (command, rest) {
            ("help", _) => eprintln!("{HELP}"),
            ("model", "") => eprintln!("model: {}", self.model),
            ("model", model) => {
                // A gateway alone knows its names.
                if !self.client.is_gateway() {
                    self.client.resolve(model)?;
                }
                model.clone_into(&mut self.model);
                eprintln!("model: {model}");
            }
            ("clear", _) => {
                self.said.clear();
                eprintln!("note: what was said is forgotten");
            }
            ("save", "") => {
                return Err(Failure::usage("no file is named").with_hint("for example `/save talk.md`"));
            }
            ("save", place) => {
                let text = transcript::write(place, &self.model, self.args.system.as_deref(), &self.said)?;
                std::fs::write(place, text)
                    .map_err(|error| Failure::usage(format!("can't write `{place}`: {error}")))?;
                eprintln!("note: saved {} messages to `{place}`", self.said.len());
            }
            (other, _) => {
                return Err(Failure::usage(format!("there is no command `/{other}`"))
                    .with_hint("`/help` lists them; a message that begins with a slash is written with two"));
            }
        }
        Ok(())
    }
}
