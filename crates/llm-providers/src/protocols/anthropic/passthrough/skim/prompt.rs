//! What the model reads: messages, blocks, tools. Members may come in any order, so a source is judged when it ends.

use llm_core::codec::{Skim, Stored};
use serde::de::{Error, MapAccess, SeqAccess};

use super::{pass_list, pass_object};
use crate::protocols::reader::{Found, Name, Read, Reader, pass};

/// One message: only its content counts.
pub(super) struct Message<'s>(pub(super) &'s mut Skim);

impl<'de> Reader<'de> for Message<'_> {
    type Value = ();

    fn other<E: Error>(self, _: Found) -> Result<(), E> {
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        pass_list(list)
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(is_content) = members.next_key_seed(Name(|name: &str| name == "content"))? {
            if is_content {
                members.next_value_seed(Read(Content(self.0)))?;
            } else {
                pass(&mut members)?;
            }
        }
        Ok(())
    }
}

/// `content`: a text, blocks, or a single one.
pub(super) struct Content<'s>(pub(super) &'s mut Skim);

enum InBlock {
    Type,
    Label,
    Source,
    File,
    Input,
    Other,
}

impl InBlock {
    fn of(name: &str) -> Self {
        match name {
            "type" => Self::Type,
            "id" | "tool_use_id" | "cache_control" | "is_error" => Self::Label,
            "source" => Self::Source,
            "file_id" => Self::File,
            "input" => Self::Input,
            _ => Self::Other,
        }
    }
}

impl<'de> Reader<'de> for Content<'_> {
    type Value = ();

    fn other<E: Error>(self, _: Found) -> Result<(), E> {
        Ok(())
    }

    fn text<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.text_bytes += length(text);
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Read(Content(self.0)))?.is_some() {}
        Ok(())
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let skim = self.0;
        // Whichever of several a provider heeds.
        let (mut is_upload, mut files) = (false, Vec::new());
        while let Some(member) = members.next_key_seed(Name(InBlock::of))? {
            match member {
                InBlock::Type => {
                    is_upload |= members.next_value_seed(Read(Text(|kind: &str| kind == "container_upload")))?;
                }
                InBlock::Label => drop(pass(&mut members)?),
                InBlock::Source => members.next_value_seed(Read(Source(skim)))?,
                // Something that the provider stores, of unknown length.
                InBlock::File => {
                    let file = members.next_value_seed(Read(Text(|id: &str| Some(id.to_owned()))))?;
                    skim.unbounded |= file.is_some();
                    files.extend(file);
                }
                InBlock::Input => members.next_value_seed(Read(Json(&mut skim.text_bytes)))?,
                // Thoughts that are kept from view are read by the model all the same, so signatures and encrypted
                // data count; so does what no one has heard of yet.
                InBlock::Other => members.next_value_seed(Read(Content(skim)))?,
            }
        }
        // Other blocks tell of files that the provider's own tools have made, and hand none over.
        let files = files.into_iter().filter(|_| is_upload);
        skim.stored.extend(files.map(|id: String| Stored::new("file_id", id)));
        Ok(())
    }
}

/// `source` of an image or document; a text where it names the page of a search result.
struct Source<'s>(&'s mut Skim);

enum InSource {
    Type,
    Data,
    Content,
    File,
    Other,
}

impl<'de> Reader<'de> for Source<'_> {
    type Value = ();

    fn other<E: Error>(self, _: Found) -> Result<(), E> {
        Ok(())
    }

    fn text<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.text_bytes += length(text);
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        pass_list(list)
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let skim = self.0;
        let (mut is_text, mut data) = (false, 0);
        let of = |name: &str| match name {
            "type" => InSource::Type,
            "data" => InSource::Data,
            "content" => InSource::Content,
            "file_id" => InSource::File,
            _ => InSource::Other,
        };
        while let Some(member) = members.next_key_seed(Name(of))? {
            match member {
                InSource::Type => is_text = members.next_value_seed(Read(Text(|kind: &str| kind == "text")))?,
                InSource::Data => data = members.next_value_seed(Read(Text(length)))?,
                InSource::Content => members.next_value_seed(Read(Content(skim)))?,
                InSource::File => {
                    let id = members.next_value_seed(Read(Text(|id: &str| Some(id.to_owned()))))?;
                    skim.unbounded |= id.is_some();
                    skim.stored.extend(id.map(|id: String| Stored::new("file_id", id)));
                }
                InSource::Other => drop(pass(&mut members)?),
            }
        }
        skim.media += 1;
        if is_text {
            skim.text_bytes += data;
        }
        Ok(())
    }
}

/// What a text says; nothing, if it is none.
struct Text<F>(F);

impl<'de, T: Default, F: FnOnce(&str) -> T> Reader<'de> for Text<F> {
    type Value = T;

    fn other<E: Error>(self, _: Found) -> Result<T, E> {
        Ok(T::default())
    }

    fn text<E: Error>(self, text: &str) -> Result<T, E> {
        Ok((self.0)(text))
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        pass_list(list)?;
        Ok(T::default())
    }

    fn object<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        pass_object(members)?;
        Ok(T::default())
    }
}

/// `container`: the id of a machine, or an object that may hold one.
pub(super) struct Container<'s>(pub(super) &'s mut Skim);

impl<'de> Reader<'de> for Container<'_> {
    type Value = ();

    fn other<E: Error>(self, found: Found) -> Result<(), E> {
        self.0.unbounded |= found != Found("null");
        Ok(())
    }

    fn null<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn text<E: Error>(self, id: &str) -> Result<(), E> {
        self.0.unbounded = true;
        self.0.stored.push(Stored::new("container", id));
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.0.unbounded = true;
        pass_list(list)
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.0.unbounded = true;
        while let Some(is_id) = members.next_key_seed(Name(|name: &str| name == "id"))? {
            if is_id {
                let id = members.next_value_seed(Read(Text(|id: &str| Some(id.to_owned()))))?;
                self.0.stored.extend(id.map(|id: String| Stored::new("container", id)));
            } else {
                pass(&mut members)?;
            }
        }
        Ok(())
    }
}

/// `tools`.
pub(super) struct Tools<'s>(pub(super) &'s mut Skim);

impl<'de> Reader<'de> for Tools<'_> {
    type Value = ();

    fn other<E: Error>(self, _: Found) -> Result<(), E> {
        Ok(())
    }

    fn object<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        pass_object(members)
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Read(Tool(self.0)))?.is_some() {
            self.0.tools += 1;
        }
        Ok(())
    }
}

/// A tool: one that the provider may run has no bound.
struct Tool<'s>(&'s mut Skim);

enum InTool {
    Type,
    Text,
    Cache,
    Other,
}

impl<'de> Reader<'de> for Tool<'_> {
    type Value = ();

    fn other<E: Error>(self, _: Found) -> Result<(), E> {
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        pass_list(list)
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let skim = self.0;
        let of = |name: &str| match name {
            "type" => InTool::Type,
            "name" | "description" => InTool::Text,
            "cache_control" => InTool::Cache,
            _ => InTool::Other,
        };
        while let Some(member) = members.next_key_seed(Name(of))? {
            match member {
                InTool::Type => {
                    let runs_elsewhere = |kind: &str| kind != "custom";
                    skim.unbounded |= members.next_value_seed(Read(Text(runs_elsewhere)))?;
                }
                InTool::Text => members.next_value_seed(Read(Content(skim)))?,
                InTool::Cache => drop(pass(&mut members)?),
                InTool::Other => members.next_value_seed(Read(Json(&mut skim.text_bytes)))?,
            }
        }
        Ok(())
    }
}

/// Any JSON, counted as its shortest text.
pub(super) struct Json<'c>(pub(super) &'c mut u64);

impl<'de> Reader<'de> for Json<'_> {
    type Value = ();

    fn other<E: Error>(self, _: Found) -> Result<(), E> {
        // Numbers that are not whole, or negative: twenty-four bytes hold every one.
        *self.0 += 24;
        Ok(())
    }

    fn null<E: Error>(self) -> Result<(), E> {
        *self.0 += 4;
        Ok(())
    }

    fn truth<E: Error>(self, truth: bool) -> Result<(), E> {
        *self.0 += if truth { 4 } else { 5 };
        Ok(())
    }

    fn count<E: Error>(self, count: u64) -> Result<(), E> {
        *self.0 += u64::from(count.checked_ilog10().unwrap_or(0)) + 1;
        Ok(())
    }

    fn text<E: Error>(self, text: &str) -> Result<(), E> {
        *self.0 += length(text) + 2;
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        *self.0 += 2;
        while list.next_element_seed(Read(Json(self.0)))?.is_some() {
            *self.0 += 1;
        }
        Ok(())
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        *self.0 += 2;
        while let Some(name) = members.next_key_seed(Name(length))? {
            // Two quotes, a colon and a comma.
            *self.0 += name + 4;
            members.next_value_seed(Read(Json(self.0)))?;
        }
        Ok(())
    }
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}
