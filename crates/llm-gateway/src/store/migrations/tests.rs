use super::VERSIONS;

#[test]
fn every_file_is_listed_for_both_engines() {
    let listed: Vec<_> = VERSIONS.iter().map(|version| format!("{}.sql", version.name)).collect();
    for engine in ["sqlite", "postgres"] {
        let folder = std::fs::read_dir(format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut files: Vec<_> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(files, listed, "{engine}");
    }
    for version in VERSIONS {
        assert!(version.name.starts_with(&format!("{:04}_", version.number)), "{}", version.name);
    }
}
