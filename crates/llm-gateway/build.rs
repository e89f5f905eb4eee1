//! A new migration is a new file, which the macro that embeds them can't notice by itself.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
