//! What crosses crates: recorded exchanges replayed through the codecs, official SDKs' requests compared with ours,
//! stream grammars, mutations, the mock upstream and the bench.
//!
//! | module | holds |
//! | --- | --- |
//! | [`exchange`] | one recorded exchange, and where exchanges are found |
//! | [`json`] | semantic equality of JSON, and what differs |
//! | [`replay`] | one exchange through the codecs of its protocol, and every promise that must hold |
//! | [`reading`] | what a body says, read straight from the raw JSON, independent of the codecs |
//! | [`grammar`] | whether a stream is one that the protocol's own SDK accepts |
//! | [`oracle`] | what the official SDKs put on the wire, and whether we would send the same |
//! | [`live`] | a real gateway on a real socket, before an upstream that says what a test wants |
//! | [`known`] | the committed list of differences that are known, each with its reason |
//! | [`configuration_page`] | the page of the configuration, from the types that read it |
//! | [`providers_page`] | the page of providers, from the provider table |
//! | [`generate`] | requests and answers drawn at random |
//! | [`mutate`] | exchanges as they may look tomorrow |

pub mod configuration_page;
pub mod exchange;
pub mod generate;
pub mod grammar;
pub mod json;
pub mod known;
pub mod live;
pub mod mutate;
pub mod oracle;
pub mod providers_page;
pub mod reading;
pub mod replay;
