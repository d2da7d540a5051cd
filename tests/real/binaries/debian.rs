//! Consul 1.8 from the archive that this machine's package manager is set up for.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{CONSUL_1_8, Missing, run, say};

/// Its place in a Debian archive, and what it is.
const PACKAGE: &str = "pool/main/c/consul/consul_1.8.7+dfsg1-2+b3_amd64.deb";
const SHA256: &str = "e4e888bba104daba1d9161f49bfc52649a7e4efd45b1a7ead5bc54f2cb9c89d9";

/// The download command that comes with the package manager.
const HELPER: &str = "/usr/lib/apt/apt-helper";

pub(super) fn fetch(folder: &Path) -> Result<PathBuf, Missing> {
    let what = CONSUL_1_8.what;
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        return Err(missing("Debian has it for Linux on x86-64"));
    }
    let archives = archives(Path::new("/etc/apt"));
    if archives.is_empty() || !Path::new(HELPER).exists() {
        return Err(missing("or a Debian archive in apt's settings"));
    }
    let package = folder.join("consul.deb");
    let mut tried = Vec::new();
    for archive in archives {
        say(&format!("getting {what} (14 MB) from the Debian archive"));
        let mut helper = Command::new(HELPER);
        helper
            .args(["download-file", &format!("{archive}/{PACKAGE}")])
            .arg(&package)
            .arg(format!("SHA256:{SHA256}"));
        match run(what, &mut helper) {
            Ok(_) => {
                let mut unpack = Command::new("dpkg-deb");
                unpack.arg("--extract").arg(&package).arg(folder);
                run(what, &mut unpack)?;
                return Ok(folder.join("usr/bin/consul"));
            }
            Err(Missing(why)) => tried.push(why),
        }
    }
    Err(Missing(tried.join("\n")))
}

fn missing(why: &str) -> Missing {
    let (what, variable) = (CONSUL_1_8.what, CONSUL_1_8.variable);
    Missing(format!("{what} ({variable}, {why})"))
}

/// The Debian archives that packages come from here.
fn archives(settings: &Path) -> Vec<String> {
    let mut files = vec![settings.join("sources.list")];
    if let Ok(folder) = fs::read_dir(settings.join("sources.list.d")) {
        files.extend(folder.flatten().map(|file| file.path()));
    }
    files.sort();
    let mut found: Vec<String> = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let named = match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => in_lines(&text),
            Some("sources") => in_paragraphs(&text),
            _ => Vec::new(),
        };
        for archive in named {
            let archive = archive.trim_end_matches('/').to_owned();
            // Other archives have other trees; the checksum says what was fetched.
            if archive.starts_with("http")
                && archive.ends_with("/debian")
                && !found.contains(&archive)
            {
                found.push(archive);
            }
        }
    }
    found
}

/// Archives in lines like `deb [options] archive suite component…`.
fn in_lines(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines() {
        let Some(rest) = line.trim().strip_prefix("deb ") else {
            continue;
        };
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']').map_or("", |(_, rest)| rest),
            None => rest,
        };
        found.extend(rest.split_whitespace().next());
    }
    found
}

/// Archives in paragraphs of fields, as deb822 has them.
fn in_paragraphs(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_field = false;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let continued = line.starts_with([' ', '\t']);
        let value = match line.split_once(':') {
            _ if continued => in_field.then_some(line),
            Some((name, value)) => {
                in_field = name.eq_ignore_ascii_case("URIs");
                in_field.then_some(value)
            }
            None => None,
        };
        found.extend(value.into_iter().flat_map(str::split_whitespace));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{archives, in_lines, in_paragraphs};

    #[test]
    fn archives_are_read_from_lines() {
        let text = "# deb http://old.example/debian x main\n\
            deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian/ bookworm main contrib\n\
            deb-src http://b.example/debian bookworm main\n\
            deb  https://c.example/tools stable main\n";
        assert_eq!(
            in_lines(text),
            ["http://a.example/debian/", "https://c.example/tools"]
        );
    }

    #[test]
    fn archives_are_read_from_paragraphs() {
        let text = "Types: deb\n# http://old.example/debian\nURIs: http://a.example/debian\n \
            http://b.example/debian\nSuites: bookworm\n main\n\nTypes: deb\n\
            uris:http://c.example/debian\n";
        assert_eq!(
            in_paragraphs(text),
            [
                "http://a.example/debian",
                "http://b.example/debian",
                "http://c.example/debian"
            ]
        );
    }

    #[test]
    fn each_debian_archive_is_named_once() {
        let settings = tempfile::tempdir().expect("a folder can be made");
        let folder = settings.path().join("sources.list.d");
        std::fs::create_dir(&folder).expect("the folder can be written");
        let list = "deb http://a.example/debian x main\ndeb http://a.example/debian/ y main\n";
        std::fs::write(settings.path().join("sources.list"), list)
            .expect("the folder can be written");
        let paragraphs = "URIs: http://b.example/debian http://b.example/debian-security\n";
        std::fs::write(folder.join("b.sources"), paragraphs).expect("the folder can be written");
        assert_eq!(
            archives(settings.path()),
            ["http://a.example/debian", "http://b.example/debian"]
        );
    }
}
