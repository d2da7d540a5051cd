//! Proxies that are shells. Real ones are in the workspace's tests.

use std::{
    future::{pending, ready},
    process::Command,
    sync::Mutex,
};

use tokio::sync::mpsc;

use super::*;

/// Runs what is taken from `scripts`, the last of them again and again.
struct Scripts {
    scripts: Vec<&'static str>,
    answers: bool,
}

impl Plan for Scripts {
    fn launch(&mut self) -> BoxFuture<'_, Result<(Launch, BoxFuture<'static, ()>), String>> {
        let script = match self.scripts.len() {
            1 => self.scripts[0],
            _ => self.scripts.remove(0),
        };
        let launch = Launch {
            command: ["sh", "-c", script].map(Into::into).into(),
            environment: vec![("MESHRPC_TEST_TOKEN", Some("secret".into()))],
        };
        let answered: BoxFuture<'static, ()> = match self.answers {
            true => Box::pin(ready(())),
            false => Box::pin(pending()),
        };
        Box::pin(ready(Ok((launch, answered))))
    }
}

fn started(scripts: &[&'static str]) -> (Sidecar, mpsc::UnboundedReceiver<SidecarEvent>) {
    let (tell, told) = mpsc::unbounded_channel();
    let hooks = Hooks::default();
    hooks.add(move |event| {
        let _ = tell.send(event.clone());
    });
    let plan = Scripts {
        scripts: scripts.to_vec(),
        answers: true,
    };
    let sidecar = Sidecar::start("greeter-7".into(), plan, hooks, &Handle::current());
    (sidecar, told)
}

async fn told_of_death(told: &mut mpsc::UnboundedReceiver<SidecarEvent>) -> String {
    loop {
        if let SidecarEvent::Died { end, .. } = told.recv().await.unwrap() {
            return end;
        }
    }
}

fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

async fn gone(pid: &str) {
    let end = tokio::time::Instant::now() + Duration::from_secs(30);
    while is_alive(pid) {
        assert!(tokio::time::Instant::now() < end, "{pid} lives on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_proxy_that_dies_is_started_again_and_counted() {
    let (sidecar, mut told) = started(&["echo a; exit 3", "kill -s KILL $$", "exec sleep 1000"]);
    let end = told_of_death(&mut told).await;
    assert!(
        end.contains("exit status: 3") && end.contains("wrote: a"),
        "{end}"
    );
    let end = told_of_death(&mut told).await;
    assert!(end.contains("signal: 9"), "{end}");
    let again = |info: &SidecarInfo| info.is_running() && info.restarts == 2;
    assert!(sidecar.until(again).await);
    assert!(sidecar.info().last_end.unwrap().contains("signal: 9"));
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_does_not_answer_is_killed_and_started_again() {
    let plan = Scripts {
        scripts: vec!["exec sleep 1000"],
        answers: false,
    };
    let runtime = Handle::current();
    let sidecar = Sidecar::start("greeter-7".into(), plan, Hooks::default(), &runtime);
    assert!(sidecar.until(|info| info.restarts == 1).await);
    let end = sidecar.info().last_end.unwrap();
    assert!(end.contains("no answer on its port"), "{end}");
}

#[tokio::test]
async fn lines_of_both_streams_are_passed_on_and_long_ones_cut() {
    let script =
        "echo out; echo err >&2; head -c 20000 /dev/zero | tr '\\0' x; echo; exec sleep 1000";
    let (_sidecar, mut told) = started(&[script]);
    let mut lines = Vec::new();
    while lines.len() < 3 {
        if let SidecarEvent::Output { stream, line, .. } = told.recv().await.unwrap() {
            lines.push((stream, line));
        }
    }
    assert!(lines.contains(&(OutputStream::Stdout, "out".to_owned())));
    assert!(lines.contains(&(OutputStream::Stderr, "err".to_owned())));
    assert!(lines.contains(&(OutputStream::Stdout, "x".repeat(8 << 10))));
}

#[tokio::test]
async fn a_proxy_that_ends_takes_what_it_started_with_it() {
    let script = "sleep 1000 & echo $!; exec sleep 1000";
    let (sidecar, mut told) = started(&[script]);
    let pid = loop {
        if let SidecarEvent::Output { line, .. } = told.recv().await.unwrap() {
            break line;
        }
    };
    assert!(is_alive(&pid));
    sidecar.end().await;
    gone(&pid).await;
    while told.recv().await.unwrap()
        != (SidecarEvent::Stopped {
            service_id: "greeter-7".into(),
        })
    {}
}

#[tokio::test]
async fn a_proxy_that_ignores_its_end_is_killed() {
    let (sidecar, mut told) = started(&["trap '' TERM; echo $$; while :; do sleep 1; done"]);
    let pid = loop {
        if let SidecarEvent::Output { line, .. } = told.recv().await.unwrap() {
            break line;
        }
    };
    sidecar.end().await;
    gone(&pid).await;
}

#[tokio::test]
async fn a_proxy_is_paused_resumed_and_restarted() {
    let (sidecar, _told) = started(&["exec sleep 1000"]);
    assert!(sidecar.until(SidecarInfo::is_running).await);
    let first = sidecar.info().pid.unwrap();
    sidecar.pause();
    assert!(
        sidecar
            .until(|info| info.state == SidecarState::Stopped)
            .await
    );
    assert_eq!(sidecar.info().pid, None);
    gone(&first.to_string()).await;
    sidecar.resume();
    assert!(sidecar.until(SidecarInfo::is_running).await);
    let second = sidecar.info().pid.unwrap();
    sidecar.restart();
    let third = |info: &SidecarInfo| info.is_running() && info.pid != Some(second);
    assert!(sidecar.until(third).await);
    assert_eq!(sidecar.info().restarts, 0, "each was asked for");
}

#[tokio::test]
async fn whoever_waits_for_what_somebody_else_has_undone_is_told() {
    let (sidecar, _told) = started(&["exec sleep 1000"]);
    assert!(sidecar.until(SidecarInfo::is_running).await);
    let stopped = |info: &SidecarInfo| info.state == SidecarState::Stopped;
    sidecar.pause();
    sidecar.resume();
    assert!(!sidecar.until_wished(false, stopped).await);
    sidecar.pause();
    assert!(sidecar.until_wished(false, stopped).await);
    sidecar.resume();
    sidecar.pause();
    assert!(!sidecar.until_wished(true, SidecarInfo::is_running).await);
    // What is renewed for its own sake stays stopped.
    sidecar.renew();
    assert!(sidecar.until(stopped).await);
    sidecar.resume();
    assert!(sidecar.until_wished(true, SidecarInfo::is_running).await);
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_was_paused_while_it_backed_off_is_not_counted_as_started_again() {
    let (sidecar, mut told) = started(&["exit 1", "exec sleep 1000"]);
    told_of_death(&mut told).await;
    sidecar.pause();
    let stopped = |info: &SidecarInfo| info.state == SidecarState::Stopped;
    assert!(sidecar.until_wished(false, stopped).await);
    assert_eq!(sidecar.info().restarts, 0);
    sidecar.resume();
    assert!(sidecar.until(SidecarInfo::is_running).await);
    assert_eq!(
        sidecar.info().restarts,
        0,
        "it was told to stop, and to start"
    );
}

#[tokio::test]
async fn a_hook_that_panics_does_not_end_the_supervision() {
    let hooks = Hooks::default();
    hooks.add(|_| panic!("a fault of the program"));
    let (tell, mut told) = mpsc::unbounded_channel();
    let tell = Mutex::new(tell);
    hooks.add(move |event| {
        let _ = tell.lock().unwrap().send(event.clone());
    });
    let plan = Scripts {
        scripts: vec!["exit 0", "exec sleep 1000"],
        answers: true,
    };
    let runtime = Handle::current();
    let sidecar = Sidecar::start("greeter-7".into(), plan, hooks, &runtime);
    assert!(
        sidecar
            .until(|info| info.is_running() && info.restarts == 1)
            .await
    );
    told_of_death(&mut told).await;
}

/// The test runs itself as a process that starts a proxy and is killed.
#[test]
fn a_proxy_does_not_outlive_a_process_that_is_killed() {
    const CHILD: &str = "MESHRPC_TEST_SIDECAR_OWNER";
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    if std::env::var_os(CHILD).is_some() {
        runtime.block_on(async {
            let (_sidecar, mut told) = started(&["echo proxy $$; exec sleep 1000"]);
            loop {
                if let SidecarEvent::Output { line, .. } = told.recv().await.unwrap() {
                    eprintln!("{line}");
                }
            }
        });
    }
    let name = "a_proxy_does_not_outlive_a_process_that_is_killed";
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--nocapture", name])
        .env(CHILD, "1")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(owner.stderr.take().unwrap()));
    let pid = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("proxy ").map(str::to_owned))
        .unwrap();
    owner.kill().unwrap();
    owner.wait().unwrap();
    runtime.block_on(gone(&pid));
}
