//! A mesh with every secret that there is, whose processes say all that they can: tokens, keys and
//! certificates' keys are in none of it.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use meshrpc_tests::{command::build, real::beside};

use crate::place::{PROXIES, Place, TOKEN, each_secured, keep};

/// The service under test.
const LEDGER: &str = env!("CARGO_BIN_EXE_ledger");
/// A token that is none.
const WRONG: &str = "00000000-4711-4000-8000-00000000beef";

/// Runs a command to its end; all that it says.
fn said(mut command: Command) -> String {
    let child = command
        .env("RUST_LOG", "trace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.expect("it can be started");
    // Its end would end the process.
    let kept = child.stdin.take();
    let output = child.wait_with_output().expect("it ends");
    drop(kept);
    let text = [output.stdout, output.stderr].concat();
    format!("{}: {}", output.status, String::from_utf8_lossy(&text))
}

#[test]
fn what_processes_of_a_secured_mesh_say_has_no_secret_in_it() {
    each_secured(PROXIES, async |place: Place| {
        let agent = place.agent().secured().start().await;
        let token = agent.master().expect("it asks for one");
        let keys = ["kiwi-", "fig--", "plum-"].map(|word| word.repeat(8));
        let [old, new, wrong] = &keys;
        let file = |name: &str, text: &str| {
            let file = place.folder().join(name);
            keep(text, &file);
            file
        };
        file(TOKEN, token);
        let key_file = file("keys", &format!("{old}\n{new}\n"));
        let other_key = file("other-keys", wrong);
        let other_token = file("other-token", WRONG);
        agent.allow("client", "ledger").await;
        let site = place.open_at(agent).await;

        let serving = site.town.instance("ledger-1").env("RUST_LOG", "trace");
        let serving = serving.env("MESHRPC_KEY_FILE", &key_file).start().await;
        let instance = site.url().replace("via=upstream", "via=instance");
        let ask = |url: &str| {
            let mut command = Command::new(LEDGER);
            command
                .args(["ask", "ledger", "account-7", "3"])
                .env("MESHRPC_MESH", format!("{url}&as=client"))
                .env("MESHRPC_KEY_FILE", &key_file);
            command
        };
        let program = build(&["cargo-meshrpc"]).join("cargo-meshrpc");
        let doctor = || {
            let mut command = Command::new(&program);
            let words = ["meshrpc", "doctor", "--mesh", site.url(), "ledger"];
            command.args(words).env("MESHRPC_KEY_FILE", &key_file);
            command
        };
        let mut json = doctor();
        json.args(["--message-format", "json"]);
        let mut keyless = ask(&instance);
        keyless
            .env("MESHRPC_KEY_FILE", &other_key)
            .env("MESHRPC_DEADLINE", "2s");
        let mut unknown = ask(site.url());
        unknown
            .env("MESHRPC_TOKEN_FILE", &other_token)
            .env("MESHRPC_DEADLINE", "2s");
        let mut examined = doctor();
        examined.env("MESHRPC_TOKEN_FILE", &other_token);
        let commands = [
            ("upstream", ask(site.url()), Some(true)),
            ("instance", ask(&instance), Some(true)),
            ("another key", keyless, Some(false)),
            ("another token", unknown, Some(false)),
            ("doctor", doctor(), None),
            ("doctor's JSON", json, None),
            ("doctor with another token", examined, None),
        ];
        let running = commands.map(|(what, command, answered)| {
            let said = tokio::task::spawn_blocking(move || said(command));
            async move { (what, said.await.expect("no panic"), answered) }
        });
        let mut texts = Vec::new();
        for running in running {
            let (what, text, answered) = running.await;
            let ended = text.starts_with("exit status: 0");
            assert!(answered.is_none_or(|ok| ok == ended), "{what}: {text}");
            texts.push((what.to_owned(), text));
        }
        for found in beside(serving.pid()) {
            let process = Path::new("/proc").join(found.pid().to_string());
            let read = |file: &str| fs::read(process.join(file)).expect("it runs");
            let command = String::from_utf8_lossy(&read("cmdline")).into_owned();
            texts.push(("a sidecar's command".to_owned(), command));
        }
        serving.terminate();
        let log = serving.logged("").join("\n");
        assert!(log.contains("DEBUG") && log.contains("serving"), "{log}");
        texts.push(("the server's log".to_owned(), log));
        assert!(texts.len() > 8, "a sidecar runs");

        for (what, text) in &texts {
            let secrets = [token, WRONG, "PRIVATE KEY"];
            for secret in secrets.into_iter().chain(keys.iter().map(String::as_str)) {
                let place = text.lines().find(|line| line.contains(secret));
                assert_eq!(place, None, "`{secret}` in what {what} says");
                let bytes = secret.bytes().take(12);
                let decimal: Vec<String> = bytes.clone().map(|byte| byte.to_string()).collect();
                let hex: String = bytes.map(|byte| format!("{byte:02x}")).collect();
                for encoded in [decimal.join(", "), hex] {
                    assert!(!text.contains(&encoded), "`{secret}` as bytes in {what}");
                }
            }
        }
        let ended = serving.ended().await;
        assert!(ended.success());
    });
}
