//! What users of `local:` see, with real processes where a process has to die.

mod directories;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use meshrpc::{
    discovery::{Address, Advert, Advertisement, Endpoints, Health, Instance, Registrar, Resolver},
    mesh::{Environment, local::Registry},
};
use tempfile::TempDir;
use tokio::{sync::watch, time::timeout};

/// No event here takes longer unless it never comes.
const CAP: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_watch_sees_an_instance_come_drain_and_go() {
    let here = Here::new();
    let registry = here.registry("here");
    let mut watch = registry.watch("greeter").unwrap();
    until(&mut watch, |endpoints| endpoints.live).await;
    let mut advert = registry
        .advertise(named("greeter", "one", 1))
        .await
        .unwrap();
    assert_eq!(advert.bind().to_string(), "127.0.0.1:0");
    assert!(
        advert.set_health(Health::Ready).await.is_err(),
        "ready before it is bound"
    );
    advert.bound(address(4001)).await.unwrap();
    assert_eq!(
        registry.list("greeter").unwrap()[0].health,
        Health::Starting
    );
    assert!(instances(&watch.borrow()).is_empty(), "it is only starting");

    advert.set_health(Health::Ready).await.unwrap();
    let known = until(&mut watch, |endpoints| !endpoints.ready.is_empty()).await;
    assert_eq!(instances(&known), [("one".to_owned(), 1)]);
    assert_eq!(known.ready[0].dial, address(4001));

    advert.set_health(Health::Draining).await.unwrap();
    assert_eq!(
        registry.list("greeter").unwrap()[0].health,
        Health::Draining
    );
    until(&mut watch, |endpoints| endpoints.ready.is_empty()).await;

    advert.withdraw().await.unwrap();
    assert!(registry.list("greeter").unwrap().is_empty());
}

#[tokio::test]
async fn an_entry_goes_with_its_process_and_its_slot_is_taken_again() {
    let here = Here::new();
    let registry = here.registry("here");
    let mut watch = registry.watch("greeter").unwrap();
    let mut first = here.announce("greeter", 1);
    let second = here.announce("greeter", 2);
    assert_ne!(first.name, second.name);
    let known = until(&mut watch, |endpoints| endpoints.ready.len() == 2).await;
    assert_eq!(epochs(&known), BTreeSet::from([1, 2]));

    first.kill();
    let known = until(&mut watch, |endpoints| endpoints.ready.len() == 1).await;
    assert_eq!(instances(&known), [(second.name.clone(), 2)]);
    assert_eq!(
        registry.list("greeter").unwrap().len(),
        1,
        "a ghost is listed"
    );

    let again = here.announce("greeter", 3);
    assert_eq!(again.name, first.name, "the freed slot is the lowest");
    let known = until(&mut watch, |endpoints| endpoints.ready.len() == 2).await;
    assert_eq!(epochs(&known), BTreeSet::from([2, 3]));
}

#[tokio::test]
async fn what_dead_processes_leave_is_removed_by_whoever_follows() {
    let here = Here::new();
    let registry = here.registry("here");
    let mut one = here.announce("greeter", 1);
    one.kill();
    let entry = here.path().join("here/greeter").join(&one.name);
    assert!(entry.exists(), "nobody has looked yet");
    let mut watch = registry.watch("greeter").unwrap();
    until(&mut watch, |endpoints| endpoints.live).await;
    assert!(!entry.exists());
}

#[tokio::test]
async fn a_name_belongs_to_one_living_process() {
    let here = Here::new();
    let registry = here.registry("here");
    let first = registry
        .advertise(named("greeter", "one", 1))
        .await
        .unwrap();
    let error = registry
        .advertise(named("greeter", "one", 2))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains(&std::process::id().to_string()),
        "{error}"
    );
    registry
        .advertise(named("ledger", "one", 2))
        .await
        .expect("of another deployment");
    drop(first);
    registry
        .advertise(named("greeter", "one", 3))
        .await
        .expect("after it is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hundreds_at_one_time_get_names_of_their_own_without_gaps() {
    const COUNT: usize = 300;
    let here = Here::new();
    let registry = here.registry("here");
    let mut watch = registry.watch("greeter").unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for epoch in 1..=COUNT as u64 {
        let registry = registry.clone();
        tasks.spawn(async move { ready(&registry, unnamed("greeter", epoch)).await });
    }
    let adverts = tasks.join_all().await;
    let slots: BTreeSet<usize> = adverts
        .iter()
        .map(|advert| {
            advert
                .instance()
                .name
                .rsplit('-')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    assert_eq!(slots, (0..COUNT).collect());
    until(&mut watch, |endpoints| endpoints.ready.len() == COUNT).await;
    drop(adverts);
    until(&mut watch, |endpoints| endpoints.ready.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_that_changes_hands_is_never_swept_from_under_its_new_owner() {
    let here = Here::new();
    let registry = here.registry("here");
    // Each dead entry makes the follower sweep while the name is taken again.
    let mut watch = registry.watch("greeter").unwrap();
    until(&mut watch, |endpoints| endpoints.live).await;
    let entry = here.path().join("here/greeter/one");
    for epoch in 1..=200 {
        if !entry.exists() {
            // What a process that was killed leaves: a file without a lock.
            fs::write(&entry, "meshrpc 1\nepoch 1\npid 1\nhealth ready\n").unwrap();
        }
        let _advert = ready(&registry, named("greeter", "one", epoch)).await;
        let listed = registry.list("greeter").unwrap();
        assert_eq!(listed.len(), 1, "boot {epoch} is not listed");
        assert_eq!(
            listed[0].instance,
            Instance {
                name: "one".into(),
                epoch
            }
        );
    }
}

#[tokio::test]
async fn namespaces_do_not_meet() {
    let here = Here::new();
    let mut watches = Vec::new();
    let mut adverts = Vec::new();
    for epoch in 1..=8 {
        let registry = here.registry(&format!("n{epoch}"));
        watches.push((epoch, registry.watch("greeter").unwrap()));
        adverts.push(ready(&registry, named("greeter", "one", epoch)).await);
    }
    for (epoch, watch) in &mut watches {
        let known = until(watch, |endpoints| !endpoints.ready.is_empty()).await;
        assert_eq!(instances(&known), [("one".to_owned(), *epoch)]);
    }
}

#[tokio::test]
async fn an_entry_that_somebody_removed_comes_back() {
    let here = Here::new();
    let registry = here.registry("here");
    let _advert = ready(&registry, named("greeter", "one", 1)).await;
    let mut watch = registry.watch("greeter").unwrap();
    until(&mut watch, |endpoints| endpoints.ready.len() == 1).await;
    fs::remove_dir_all(here.path().join("here/greeter")).unwrap();
    let back = || {
        registry
            .list("greeter")
            .unwrap()
            .into_iter()
            .find(|e| e.instance.epoch == 1)
    };
    timeout(CAP, async {
        while back().is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it never came back");
    let known = until(&mut watch, |endpoints| endpoints.ready.len() == 1).await;
    assert_eq!(instances(&known), [("one".to_owned(), 1)]);
}

#[tokio::test]
async fn followers_of_one_deployment_share_a_watch() {
    let here = Here::new();
    let (one, other) = (here.registry("here"), here.registry("here"));
    let first = one.watch("greeter").unwrap();
    let second = other.watch("greeter").unwrap();
    assert!(first.same_channel(&second));
}

#[tokio::test]
async fn names_that_are_paths_are_refused() {
    let here = Here::new();
    let registry = here.registry("here");
    for name in ["../greeter", "a/b", ".lock", ""] {
        assert!(registry.watch(name).is_err(), "{name}");
        assert!(
            registry.advertise(unnamed(name, 1)).await.is_err(),
            "{name}"
        );
        assert!(
            registry.advertise(named("greeter", name, 1)).await.is_err(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_is_announced_can_be_dialled() {
    let here = Here::new();
    let registry = here.registry("here");
    let listed = || registry.list("greeter").unwrap()[0].address.clone();
    let mut advert = registry
        .advertise(named("greeter", "one", 1))
        .await
        .unwrap();
    advert.bound("0.0.0.0:4000".parse().unwrap()).await.unwrap();
    assert_eq!(listed(), Some(address(4000)));
    advert
        .bound("unix:/run/a socket".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(listed(), Some(Address::Unix("/run/a socket".into())));
    assert!(advert.bound(Address::InProcess(1)).await.is_err());
}

/// Not a test of its own: the process that [`Here::announce`] starts.
#[tokio::test]
async fn child_that_announces() {
    let Ok(role) = std::env::var("MESHRPC_TEST_ANNOUNCE") else {
        return;
    };
    let (deployment, epoch) = role.split_once('=').unwrap();
    let registry = Registry::open(&Environment::read().unwrap()).unwrap();
    let advert = ready(&registry, unnamed(deployment, epoch.parse().unwrap())).await;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "announced {}", advert.instance().name).unwrap();
    // The parent kills this process, or goes and takes the pipe with it.
    std::io::stdin().lines().for_each(drop);
}

/// A runtime directory for one test.
struct Here(TempDir);

struct Announced {
    child: Child,
    name: String,
    _stdout: BufReader<ChildStdout>,
}

impl Here {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Self(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn registry(&self, namespace: &str) -> Registry {
        Registry::open(&environment(self.path(), namespace)).unwrap()
    }

    /// Starts a process that announces an instance in the namespace `here` and waits until it has.
    fn announce(&self, deployment: &str, epoch: u64) -> Announced {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_announces", "--nocapture"])
            .env("MESHRPC_TEST_ANNOUNCE", format!("{deployment}={epoch}"))
            .env("MESHRPC_RUNTIME_DIR", self.path())
            .env("MESHRPC_NAMESPACE", "here")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // The test harness writes lines of its own, and may begin the one with ours.
        let name = loop {
            line.clear();
            assert_ne!(
                stdout.read_line(&mut line).unwrap(),
                0,
                "the child ended early"
            );
            if let Some((_, name)) = line.split_once("announced ") {
                break name.trim().to_owned();
            }
        };
        Announced {
            child,
            name,
            _stdout: stdout,
        }
    }
}

impl Announced {
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn environment(runtime_dir: &Path, namespace: &str) -> Environment {
    Environment::from_vars([
        ("MESHRPC_RUNTIME_DIR", runtime_dir.as_os_str()),
        ("MESHRPC_NAMESPACE", namespace.as_ref()),
    ])
    .unwrap()
}

fn named(deployment: &str, instance: &str, epoch: u64) -> Advertisement {
    Advertisement {
        instance: Some(instance.to_owned()),
        ..unnamed(deployment, epoch)
    }
}

fn unnamed(deployment: &str, epoch: u64) -> Advertisement {
    Advertisement {
        deployment: deployment.to_owned(),
        instance: None,
        epoch,
        listen: None,
    }
}

async fn ready(registry: &Registry, advertisement: Advertisement) -> Box<dyn Advert> {
    let mut advert = registry.advertise(advertisement).await.unwrap();
    advert.bound(address(4000)).await.unwrap();
    advert.set_health(Health::Ready).await.unwrap();
    advert
}

fn address(port: u16) -> Address {
    Address::Tcp(([127, 0, 0, 1], port).into())
}

async fn until(
    watch: &mut watch::Receiver<Arc<Endpoints>>,
    condition: impl FnMut(&Arc<Endpoints>) -> bool,
) -> Arc<Endpoints> {
    let known = timeout(CAP, watch.wait_for(condition)).await;
    match known {
        Ok(known) => known.unwrap().clone(),
        Err(_) => panic!("what the test waits for never came"),
    }
}

fn instances(endpoints: &Endpoints) -> Vec<(String, u64)> {
    let instances = endpoints
        .ready
        .iter()
        .filter_map(|endpoint| endpoint.instance.as_ref());
    instances
        .map(|instance| (instance.name.to_string(), instance.epoch))
        .collect()
}

fn epochs(endpoints: &Endpoints) -> BTreeSet<u64> {
    instances(endpoints)
        .into_iter()
        .map(|(_, epoch)| epoch)
        .collect()
}
