//! Cache markers.

use llm_core::CacheControl;
use llm_core::fields::Fields;
use serde_json::{Map, Value};

use super::super::ME;

/// Takes the marker of a block or tool.
pub(crate) fn read(fields: &mut Fields) -> Option<CacheControl> {
    let mut marker = fields.take_object("cache_control")?;
    Some(CacheControl { ttl: marker.take_text("ttl"), native: marker.into_native(ME) })
}

/// Writes the marker of a block or tool.
pub(crate) fn write(cache: Option<&CacheControl>, object: &mut Map<String, Value>) {
    let Some(cache) = cache else { return };
    let mut marker = cache.native.object(ME);
    if !cache.native.is_from(ME) {
        marker.insert("type".to_owned(), "ephemeral".into());
    }
    if let Some(ttl) = &cache.ttl {
        marker.insert("ttl".to_owned(), ttl.as_str().into());
    }
    object.insert("cache_control".to_owned(), marker.into());
}
