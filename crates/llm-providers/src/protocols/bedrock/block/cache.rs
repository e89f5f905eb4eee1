//! Cache points: blocks of their own behind what they close.

use llm_core::CacheControl;
use llm_core::fields::Fields;
use serde_json::{Map, Value};

use super::super::ME;

const POINT: &str = "cachePoint";

/// Reads a block that is a cache point and nothing else known.
pub(crate) fn read(block: &Value) -> Option<CacheControl> {
    let block = block.as_object().filter(|block| block.get(POINT).is_some_and(Value::is_object))?;
    let mut fields = Fields::new(block.clone());
    let mut point = fields.take_object(POINT)?;
    let ttl = point.take_text("ttl");
    fields.put(POINT, point.into_members().into());
    Some(CacheControl { ttl, native: fields.into_native(ME) })
}

/// The block that marks the end of a prefix worth caching.
pub(crate) fn point(cache: &CacheControl) -> Value {
    let mut outer = cache.native.object(ME);
    let mut point = match outer.shift_remove(POINT) {
        Some(Value::Object(point)) => point,
        _ => Map::new(),
    };
    if !cache.native.is_from(ME) {
        point.insert("type".to_owned(), "default".into());
    }
    if let Some(ttl) = &cache.ttl {
        point.insert("ttl".to_owned(), ttl.as_str().into());
    }
    super::block(POINT, outer, point)
}
