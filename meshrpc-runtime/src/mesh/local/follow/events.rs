//! Events of directories: inotify on Linux, none elsewhere.

#[cfg(target_os = "linux")]
pub(super) use linux::Events;
#[cfg(not(target_os = "linux"))]
pub(super) use none::Events;

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        collections::HashMap,
        mem::MaybeUninit,
        os::fd::OwnedFd,
        path::{Path, PathBuf},
    };

    use rustix::{
        event::{PollFd, PollFlags},
        fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    };

    pub(in super::super) struct Events {
        inotify: OwnedFd,
        paths: HashMap<i32, PathBuf>,
    }

    impl Events {
        /// `None` if this user has as many of these as the system allows.
        pub(in super::super) fn new() -> Option<Self> {
            let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
            Some(Self {
                inotify,
                paths: HashMap::new(),
            })
        }

        pub(in super::super) fn poll_fd(&self) -> PollFd<'_> {
            PollFd::new(&self.inotify, PollFlags::IN)
        }

        /// Watches a directory, also if it is a new one under an old name.
        pub(in super::super) fn watch(&mut self, path: &Path) -> bool {
            let what = WatchFlags::MOVED_TO
                | WatchFlags::DELETE
                | WatchFlags::CLOSE_WRITE
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE_SELF
                | WatchFlags::ONLYDIR;
            match inotify::add_watch(&self.inotify, path, what) {
                Ok(number) => {
                    self.paths.insert(number, path.to_owned());
                    true
                }
                Err(_) => false,
            }
        }

        /// Stops watching a directory.
        pub(in super::super) fn forget(&mut self, path: &Path) {
            self.paths.retain(|number, known| {
                let other = known != path;
                if !other {
                    // It fails if the directory is gone, and its watch with it.
                    let _ = inotify::remove_watch(&self.inotify, *number);
                }
                other
            });
        }

        /// Calls `touched` for each directory in which something happened, with `None` if events
        /// were lost.
        pub(in super::super) fn read(&mut self, mut touched: impl FnMut(Option<&Path>)) {
            let mut buffer = [MaybeUninit::uninit(); 4096];
            let mut reader = Reader::new(&self.inotify, &mut buffer);
            while let Ok(event) = reader.next() {
                if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                    touched(None);
                    continue;
                }
                let number = event.wd();
                // Files with a dot are the registry's own: locks, and entries without a name yet.
                let hidden = event
                    .file_name()
                    .is_some_and(|name| name.to_bytes().starts_with(b"."));
                if !hidden {
                    touched(self.paths.get(&number).map(PathBuf::as_path));
                }
                if event.events().contains(ReadFlags::IGNORED) {
                    self.paths.remove(&number);
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod none {
    use std::path::Path;

    use rustix::event::PollFd;

    pub(in super::super) enum Events {}

    impl Events {
        pub(in super::super) fn new() -> Option<Self> {
            None
        }

        pub(in super::super) fn poll_fd(&self) -> PollFd<'_> {
            match *self {}
        }

        pub(in super::super) fn watch(&mut self, _path: &Path) -> bool {
            match *self {}
        }

        pub(in super::super) fn forget(&mut self, _path: &Path) {
            match *self {}
        }

        pub(in super::super) fn read(&mut self, _touched: impl FnMut(Option<&Path>)) {
            match *self {}
        }
    }
}
