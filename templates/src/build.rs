//! The generator in a build script.

use std::{
    collections::BTreeSet,
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::{model::hex, model::short_hash, source::Walk};

/// Writes the files of traits under `#[mesh_service(exposed(out_dir))]` below `OUT_DIR`, where the
/// attribute finds them. Called in the build script of the traits' package:
///
/// ```no_run
/// fn main() -> std::io::Result<()> {
///     meshrpc_templates::build()
/// }
/// ```
///
/// The crates of the package are found where cargo looks for them: `src/lib.rs`, `src/main.rs`,
/// `src/bin/*.rs` and `src/bin/*/main.rs`; for others see [`build_from`]. The script runs again when
/// one of their modules has changed.
///
/// # Errors
/// If this is no build script, a file cannot be written, or two traits would be written to one. What
/// is wrong with a trait, or a source, is left to the compiler, which says it better.
pub fn build() -> io::Result<()> {
    let mut roots = vec![PathBuf::from("src/lib.rs"), PathBuf::from("src/main.rs")];
    let folder = manifest()?.join("src/bin");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        roots.push(match path.is_dir() {
            true => path.join("main.rs"),
            false => path,
        });
    }
    roots.retain(|root| root.extension().is_some_and(|extension| extension == "rs"));
    build_from(roots)
}

/// [`build`] for crates with these roots, relative to the package's folder.
///
/// # Errors
/// As `build`.
pub fn build_from<P: AsRef<Path>>(roots: impl IntoIterator<Item = P>) -> io::Result<()> {
    let manifest = manifest()?;
    let mut walk = Walk::default();
    for root in roots {
        walk.crate_root(&manifest.join(root));
    }
    for file in &walk.visited {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    let mut written = BTreeSet::new();
    for found in &walk.found {
        let exposed = found.service.options.exposed.as_ref();
        if !exposed.is_some_and(|exposed| exposed.out_dir) {
            continue;
        }
        let folder = out_folder(&found.source)?;
        fs::create_dir_all(&folder)?;
        let source = found.source.file_name().unwrap_or_default();
        for file in found.service.files(&source.to_string_lossy()) {
            let path = folder.join(&file.name);
            if !written.insert(path.clone()) {
                return Err(io::Error::other(format!(
                    "two traits named `{}` in the folder of {} would be written to one `{}`: give one of them `exposed(out_dir, prefix = \"…\")`",
                    found.service.ident(),
                    found.source.display(),
                    file.name,
                )));
            }
            // What is untouched is not compiled again.
            if fs::read_to_string(&path).ok().as_deref() != Some(file.text.as_str()) {
                fs::write(&path, file.text)?;
            }
        }
    }
    Ok(())
}

/// Where a build script writes the files of traits in `source`: below `OUT_DIR`, in folders like the
/// package's.
///
/// # Errors
/// If the package has no build script, or `source` is not there.
pub fn out_folder(source: &Path) -> io::Result<PathBuf> {
    let (source, manifest) = (source.canonicalize()?, manifest()?);
    let folder = source.parent().unwrap_or(Path::new(""));
    let base = variable("OUT_DIR")?.join("meshrpc");
    Ok(match folder.strip_prefix(&manifest) {
        Ok(within) => base.join(within),
        Err(_) => base.join(hex(short_hash(folder.as_os_str().as_encoded_bytes()))),
    })
}

fn manifest() -> io::Result<PathBuf> {
    variable("CARGO_MANIFEST_DIR")?.canonicalize()
}

fn variable(name: &str) -> io::Result<PathBuf> {
    env::var_os(name).map(PathBuf::from).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("this is no build script: cargo sets no {name}"),
        )
    })
}
