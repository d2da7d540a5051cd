//! Files that somebody changed, and files that are left over.

use std::{fs, process::Command};

use crate::project::{Project, TRAIT};

#[test]
fn a_file_edited_by_hand_is_kept_unless_forced() {
    let project = Project::new();
    project.expose(&["--yes"]).ends_with(0);
    let file = "src/greeter_client_gen.rs";
    let generated = project.get(file);
    let edited = generated.replace("Client of", "My client of");
    project.put(file, &edited);
    let ran = project.expose(&["--yes"]).ends_with(1);
    assert!(
        ran.stderr()
            .contains("`src/greeter_client_gen.rs` was edited by hand"),
        "{}",
        ran.stderr()
    );
    assert_eq!(project.get(file), edited);
    project.expose(&["--yes", "--force"]).ends_with(0);
    assert_eq!(project.get(file), generated);

    project.put(file, "// my own\n");
    let ran = project.expose(&["--yes"]).ends_with(1);
    assert!(
        ran.stderr().contains("was not written by this command"),
        "{}",
        ran.stderr()
    );
    assert_eq!(project.get(file), "// my own\n");
}

#[test]
fn both_files_of_a_trait_are_kept_if_one_was_edited() {
    let project = Project::new();
    project.expose(&["--yes"]).ends_with(0);
    let (client, handler) = ("src/greeter_client_gen.rs", "src/greeter_handler_gen.rs");
    let edited = project.get(client).replace("Client of", "My client of");
    project.put(client, &edited);
    let before = project.get(handler);
    project.put("src/desk.rs", &TRAIT.replace("name: &str", "who: &str"));
    project
        .expose(&["--yes"])
        .ends_with(1)
        .says("`src/greeter_client_gen.rs` was edited by hand")
        .says("`src/greeter_handler_gen.rs` is left as it is, too");
    assert_eq!(project.get(client), edited);
    assert_eq!(project.get(handler), before, "it goes with the client");

    fs::remove_file(project.path(handler)).expect("it is there");
    project.expose(&["--yes"]).ends_with(1);
    assert!(!project.path(handler).exists());

    project.expose(&["--yes", "--force"]).ends_with(0);
    assert!(project.get(client).contains("who: &str"));
    assert_ne!(project.get(handler), before);
}

#[test]
fn formatting_is_no_edit_and_no_drift() {
    if !meshrpc_tests::has_tool("rustfmt") {
        return;
    }
    let project = Project::new();
    project.expose(&["--yes"]).ends_with(0);
    let file = "src/greeter_client_gen.rs";
    let generated = project.get(file);
    let status = Command::new("rustfmt")
        .args(["--edition", "2024", "--config", "max_width=60,tab_spaces=2"])
        .arg(project.path(file))
        .status()
        .expect("it runs");
    assert!(status.success());
    let formatted = project.get(file);
    assert_ne!(formatted, generated);
    project.expose(&["--check"]).ends_with(0);
    project
        .expose(&["--yes"])
        .ends_with(0)
        .says("2 files are up to date");
    assert_eq!(project.get(file), formatted);

    // A change of the trait overwrites it without a word of edits.
    project.put("src/desk.rs", &TRAIT.replace("name: &str", "who: &str"));
    project.expose(&["--yes"]).ends_with(0);
    assert!(project.get(file).contains("who: &str"));
}

#[test]
fn a_comment_by_hand_is_an_edit() {
    let project = Project::new();
    project.expose(&["--yes"]).ends_with(0);
    let file = "src/greeter_client_gen.rs";
    let edited = format!("{}// Mine.\n", project.get(file));
    project.put(file, &edited);
    project
        .expose(&["--yes"])
        .ends_with(1)
        .says("was edited by hand");
    assert_eq!(project.get(file), edited);
    project
        .expose(&["--dry-run", "--force"])
        .ends_with(0)
        .stdout_has("overwrite file greeter_client_gen.rs with ")
        .stdout_has("losing what was edited by hand");
}

#[test]
fn files_of_a_trait_that_is_gone_are_removed() {
    for gone in [
        "",
        "pub trait Greeter {}\n",
        &TRAIT.replace("Greeter", "Host"),
    ] {
        let project = Project::new();
        project.expose(&["--yes"]).ends_with(0);
        project.put("src/desk.rs", gone);
        let check = project.expose(&["--check"]).ends_with(100);
        assert!(
            check.stdout().contains("+++ /dev/null"),
            "{}",
            check.stdout()
        );
        project.expose(&["--yes"]).ends_with(0).says(
            "remove file greeter_client_gen.rs, for `Greeter` is no longer exposed in desk.rs",
        );
        assert!(!project.path("src/greeter_client_gen.rs").exists());
        assert!(!project.path("src/greeter_handler_gen.rs").exists());
        project.expose(&["--check"]).ends_with(0);
    }
}

#[test]
fn files_of_a_deleted_source_are_removed() {
    let project = Project::new();
    project.expose(&["--yes"]).ends_with(0);
    fs::remove_file(project.path("src/desk.rs")).expect("it is there");
    project.expose(&["--yes"]).ends_with(0);
    assert!(!project.path("src/greeter_client_gen.rs").exists());
}

#[test]
fn a_file_left_over_is_kept_if_it_was_edited_or_its_source_cannot_be_read() {
    let project = Project::new();
    project.expose(&["--yes"]).ends_with(0);
    let file = "src/greeter_client_gen.rs";
    for unread in ["fn f( {\n", &TRAIT.replace("Result<String, String>", "u8")] {
        project.put("src/desk.rs", unread);
        project.expose(&["--yes"]).ends_with(1);
        assert!(project.path(file).exists(), "{unread}");
    }
    let edited = project.get(file).replace("Client of", "My client of");
    project.put(file, &edited);
    project.put("src/desk.rs", "");
    project
        .expose(&["--yes"])
        .ends_with(1)
        .says("was edited by hand, and its trait is gone");
    assert_eq!(project.get(file), edited);
    assert!(!project.path("src/greeter_handler_gen.rs").exists());
    project.expose(&["--yes", "--force"]).ends_with(0);
    assert!(!project.path(file).exists());
}

#[test]
fn a_file_of_a_source_that_is_no_module_is_left_alone() {
    let project = Project::new();
    project.expose(&["--yes"]).ends_with(0);
    project.put("src/lib.rs", "mod front { mod office; }\n");
    project.expose(&["--yes"]).ends_with(0);
    assert!(project.path("src/greeter_client_gen.rs").exists());
}
