//! tmp
/// x
pub struct Catalogue;
/// x
pub struct Model {
    /// x
    pub max_output: Option<u64>,
    /// x
    pub price: llm_core::Price,
}
impl Catalogue {
    /// x
    pub fn bundled() -> &'static Catalogue {
        &Catalogue
    }
    /// x
    pub fn lookup(&self, _p: &str, _m: &str) -> Option<Model> {
        None
    }
}
