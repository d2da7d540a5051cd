//! Consul 1.22 from its Go modules.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{CONSUL_1_22, Missing, run, say};

/// Consul and everything it is made of, each with its checksum. The module has no package of its
/// own: Consul's is built by its path.
const MODULE: &str = include_str!("consul-1.22/go.mod");
const CHECKSUMS: &str = include_str!("consul-1.22/go.sum");
const PACKAGE: &str = "github.com/hashicorp/consul";

/// The oldest Go that builds it.
const GO: [u32; 3] = [1, 25, 3];

pub(super) fn fetch(folder: &Path) -> Result<PathBuf, Missing> {
    let what = CONSUL_1_22.what;
    let version = run(what, Command::new("go").args(["env", "GOVERSION"]));
    let version = version.map(|version| parsed(&version)).unwrap_or_default();
    if version < GO.to_vec() {
        return Err(Missing(format!(
            "{what} ({}, or Go 1.25.3 or later)",
            CONSUL_1_22.variable
        )));
    }
    let written = fs::write(folder.join("go.mod"), MODULE)
        .and_then(|()| fs::write(folder.join("go.sum"), CHECKSUMS));
    written.map_err(|error| Missing(format!("{what}: {error}")))?;
    say(&format!(
        "building {what} from its Go modules: 400 MB are fetched, and two cores need five minutes"
    ));
    let mut build = Command::new("go");
    build
        .current_dir(folder)
        .args(["build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w"])
        .args(["-o", "consul", PACKAGE])
        .env("GOFLAGS", "-mod=readonly")
        .env("GOTOOLCHAIN", "local")
        .env("CGO_ENABLED", "0")
        // 2 GB that nobody needs afterwards.
        .env("GOCACHE", folder.join("cache"));
    run(what, &mut build)?;
    Ok(folder.join("consul"))
}

/// The numbers in `go1.25.3`.
fn parsed(version: &str) -> Vec<u32> {
    let numbers = version.trim().trim_start_matches("go");
    numbers
        .split(['.', ' ', '-'])
        .map_while(|number| number.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{GO, parsed};

    #[test]
    fn versions_of_go_are_compared_by_their_numbers() {
        assert!(parsed("go1.26\n") > GO.to_vec());
        assert!(parsed("go1.25.10") > GO.to_vec());
        assert_eq!(parsed("go1.25.3 X:nodwarf5"), GO.to_vec());
        assert!(parsed("go1.25.2") < GO.to_vec());
        assert!(parsed("devel") < GO.to_vec());
    }
}
