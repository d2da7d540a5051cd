//! Where entries are, and who gets there.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
};

use meshrpc::mesh::{Environment, local::Registry};

use super::{Here, environment};

#[test]
fn two_checkouts_do_not_meet() {
    let here = Here::new();
    let namespace = |workspace: &str| {
        let root = here.path().join(workspace);
        fs::create_dir_all(&root).unwrap();
        meshrpc::mesh::local::namespace_of_workspace(&root).unwrap()
    };
    assert_ne!(namespace("one"), namespace("other"));
    assert_eq!(namespace("one"), namespace("one/../one"));
}

#[test]
fn directories_that_others_could_reach_are_refused() {
    let here = Here::new();
    let refusal = |directory: &Path| {
        Registry::open(&environment(directory, "here"))
            .unwrap_err()
            .to_string()
    };
    let open = here.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(refusal(&open).contains("chmod 700"), "{}", refusal(&open));

    let link = here.path().join("link");
    symlink(here.path(), &link).unwrap();
    assert!(
        refusal(&link).contains("symbolic link"),
        "{}",
        refusal(&link)
    );

    let file = here.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(
        refusal(&file).contains("not a directory"),
        "{}",
        refusal(&file)
    );
}

#[test]
fn a_directory_of_somebody_else_is_refused() {
    // The root directory is somebody else's to everybody but root, who can give one away.
    let here = Here::new();
    let given = here.path().join("given");
    fs::create_dir(&given).unwrap();
    let foreign = match chown(&given, Some(65534), None) {
        Ok(()) => given.as_path(),
        Err(_) => Path::new("/"),
    };
    let error = Registry::open(&environment(foreign, "here")).unwrap_err();
    assert!(error.to_string().contains("belongs to user"), "{error}");
}

#[test]
fn directories_are_created_for_this_user_alone() {
    let here = Here::new();
    let runtime_dir = here.path().join("run");
    Registry::open(&environment(&runtime_dir, "here")).unwrap();
    for directory in [runtime_dir.clone(), runtime_dir.join("here")] {
        let mode = fs::metadata(&directory).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", directory.display());
    }
}

#[test]
fn the_directory_of_the_session_comes_before_temporary_files() {
    let here = Here::new();
    let session = here.path().as_os_str();
    let variables = [
        ("XDG_RUNTIME_DIR", session),
        ("MESHRPC_NAMESPACE", "here".as_ref()),
    ];
    let registry = Registry::open(&Environment::from_vars(variables).unwrap()).unwrap();
    let expected = format!(
        "{} (XDG_RUNTIME_DIR)",
        here.path().join("meshrpc").display()
    );
    assert_eq!(registry.runtime_dir().to_string(), expected);
}
