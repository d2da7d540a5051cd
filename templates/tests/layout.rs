//! Generated files are laid out as rustfmt would.

mod forms;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

#[test]
fn rustfmt_has_nothing_to_change() {
    let there = Command::new("rustfmt")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !there {
        eprintln!("not run: needs rustfmt");
        let required = std::env::var("MESHRPC_TEST_REQUIRE").is_ok_and(|value| value == "all");
        assert!(!required, "needs rustfmt");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layout");
    fs::create_dir_all(&folder).expect("a folder");
    // Without the configuration of the project around it.
    fs::write(folder.join("rustfmt.toml"), "").expect("it is written");
    let mut complaints = Vec::new();
    for service in forms::services() {
        for file in service.files("forms.rs") {
            let path = folder.join(&file.name);
            fs::write(&path, &file.text).expect("it is written");
            let output = Command::new("rustfmt")
                .args(["--edition", "2024", "--check", "--color", "never"])
                .arg(&path)
                .output()
                .expect("it runs");
            if !output.status.success() {
                let stdout = String::from_utf8_lossy(&output.stdout);
                let stderr = String::from_utf8_lossy(&output.stderr);
                complaints.push(format!("{stdout}{stderr}"));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
