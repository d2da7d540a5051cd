//! Devices: drivers, printers, robots, meters.

use std::{collections::BTreeMap, io, net::AddrParseError, sync::Arc, time::Duration};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Transcript, fails, served};

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pose {
    pub at: [f64; 3],
    pub heading: f32,
}

/// Of every device; holds what its bus said.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error("the bus failed")]
    Bus(#[from] io::Error),
    #[error("`{text}` is no address")]
    Address {
        text: String,
        source: AddrParseError,
    },
    #[error("register {0} is read only")]
    ReadOnly(u16),
}

fails!(DeviceError: made =>
    Self::Bus(made.io()),
    Self::Address {
        text: made.text(),
        source: "x".parse::<std::net::IpAddr>().expect_err("no address"),
    },
    Self::ReadOnly(made.below(1 << 16) as u16),
);

/// A driver of registers, which waits for its bus.
#[mesh_service]
pub trait RegisterDriver: Send + Sync {
    fn open(&self, address: String, baud: Option<u32>) -> Result<(), DeviceError>;
    fn read(&self, register: u16, count: u8) -> Result<Vec<u16>, DeviceError>;
    fn write(&self, register: u16, values: Vec<u16>) -> Result<usize, DeviceError>;
    fn identify(&self) -> Result<(String, u32), DeviceError>;
}

impl RegisterDriver for Calls {
    fn open(&self, address: String, baud: Option<u32>) -> Result<(), DeviceError> {
        self.answer("open", &[&address, &baud])
    }
    fn read(&self, register: u16, count: u8) -> Result<Vec<u16>, DeviceError> {
        self.answer("read", &[&register, &count])
    }
    fn write(&self, register: u16, values: Vec<u16>) -> Result<usize, DeviceError> {
        self.answer("write", &[&register, &values])
    }
    fn identify(&self) -> Result<(String, u32), DeviceError> {
        self.answer("identify", &[])
    }
}

fn use_register_driver(driver: &dyn RegisterDriver) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(driver.open(seen.give(), seen.give()));
        seen.wrapped(driver.read(seen.give(), seen.give()));
        seen.wrapped(driver.write(seen.give(), seen.give()));
        seen.wrapped(driver.identify());
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn register_driver() {
    let there: RegisterDriverClient = served(RegisterDriverHandler::new(Calls::default())).await;
    let here = use_register_driver(&Calls::default());
    assert_eq!(here, use_register_driver(&there));
}

/// A camera.
#[mesh_service]
pub trait Camera: Send + Sync {
    fn snapshot(&self, exposure: Duration, gain: f32) -> io::Result<Vec<u8>>;
    fn modes(&self) -> io::Result<Vec<(u32, u32)>>;
    #[mesh(on_failure = default)]
    fn is_recording(&self) -> bool;
    #[mesh(local)]
    fn bits(&self) -> u8 {
        12
    }
}

impl Camera for Calls {
    fn snapshot(&self, exposure: Duration, gain: f32) -> io::Result<Vec<u8>> {
        self.answer("snapshot", &[&exposure, &gain])
    }
    fn modes(&self) -> io::Result<Vec<(u32, u32)>> {
        self.answer("modes", &[])
    }
    fn is_recording(&self) -> bool {
        self.value("is_recording", &[])
    }
}

fn use_camera(camera: &dyn Camera) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(camera.snapshot(seen.give(), seen.give()));
        seen.wrapped(camera.modes());
        seen.note(camera.is_recording());
        seen.note(camera.bits());
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn camera() {
    let there: CameraClient = served(CameraHandler::new(Calls::default())).await;
    let here = use_camera(&Calls::default());
    assert_eq!(here, use_camera(&there));
}

/// An arm that moves: one call at a time.
#[mesh_service]
#[async_trait]
pub trait RobotArm: Send + Sync {
    async fn home(&mut self) -> Result<Pose, DeviceError>;
    async fn move_to(&mut self, pose: Pose, speed: f32) -> Result<Pose, DeviceError>;
    async fn follow(
        &mut self,
        path: Vec<Pose>,
        within: Option<Duration>,
    ) -> Result<usize, DeviceError>;
    async fn pose(&self) -> Result<Pose, DeviceError>;
    #[mesh(on_failure = default)]
    async fn is_moving(&self) -> bool;
}

#[async_trait]
impl RobotArm for Calls {
    async fn home(&mut self) -> Result<Pose, DeviceError> {
        self.answer("home", &[])
    }
    async fn move_to(&mut self, pose: Pose, speed: f32) -> Result<Pose, DeviceError> {
        self.answer("move_to", &[&pose, &speed])
    }
    async fn follow(
        &mut self,
        path: Vec<Pose>,
        within: Option<Duration>,
    ) -> Result<usize, DeviceError> {
        self.answer("follow", &[&path, &within])
    }
    async fn pose(&self) -> Result<Pose, DeviceError> {
        self.answer("pose", &[])
    }
    async fn is_moving(&self) -> bool {
        self.value("is_moving", &[])
    }
}

async fn use_robot_arm(mut arm: Box<dyn RobotArm>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(arm.home().await);
        seen.wrapped(arm.move_to(seen.give(), seen.give()).await);
        seen.wrapped(arm.follow(seen.give(), seen.give()).await);
        seen.wrapped(arm.pose().await);
        seen.note(arm.is_moving().await);
    }
    seen
}

#[tokio::test]
async fn robot_arm() {
    let there: RobotArmClient = served(RobotArmHandler::new(Calls::default())).await;
    let here = use_robot_arm(Box::new(Calls::default())).await;
    assert_eq!(here, use_robot_arm(Box::new(there)).await);
}

/// Plain data.
#[derive(Clone, Debug, PartialEq, thiserror::Error, MeshError)]
pub enum PrintError {
    #[error("no paper in tray {tray}")]
    Paper { tray: u8 },
    #[error("jam at {0:?}")]
    Jam(Vec<u8>),
    #[error("job {0} was taken away")]
    #[mesh(status = cancelled)]
    Cancelled(u64),
    #[error("lost: {0}")]
    #[mesh(transport)]
    Lost(String),
}

impl From<meshrpc::Error> for PrintError {
    fn from(error: meshrpc::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

fails!(PrintError: made =>
    Self::Paper { tray: made.below(4) as u8 },
    Self::Jam(made.bytes()),
    Self::Cancelled(made.number()),
);

/// A printer.
#[mesh_service]
#[async_trait]
pub trait Printer: Send + Sync {
    async fn print(&self, pages: &[Vec<u8>], copies: u16, duplex: bool) -> Result<u64, PrintError>;
    async fn progress(&self, job: u64) -> Result<(u32, u32), PrintError>;
    async fn cancel(&self, job: u64) -> Result<bool, PrintError>;
    async fn trays(&self) -> Result<BTreeMap<u8, String>, PrintError>;
    fn is_ready(&self) -> Result<bool, PrintError>;
}

#[async_trait]
impl Printer for Calls {
    async fn print(&self, pages: &[Vec<u8>], copies: u16, duplex: bool) -> Result<u64, PrintError> {
        self.answer("print", &[&pages, &copies, &duplex])
    }
    async fn progress(&self, job: u64) -> Result<(u32, u32), PrintError> {
        self.answer("progress", &[&job])
    }
    async fn cancel(&self, job: u64) -> Result<bool, PrintError> {
        self.answer("cancel", &[&job])
    }
    async fn trays(&self) -> Result<BTreeMap<u8, String>, PrintError> {
        self.answer("trays", &[])
    }
    fn is_ready(&self) -> Result<bool, PrintError> {
        self.answer("is_ready", &[])
    }
}

async fn use_printer(printer: Arc<dyn Printer>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.result(
            printer
                .print(&[seen.give(), seen.give()], seen.give(), seen.give())
                .await,
        );
        seen.result(printer.progress(seen.give()).await);
        seen.result(printer.cancel(seen.give()).await);
        seen.result(printer.trays().await);
        seen.result(printer.is_ready());
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn printer() {
    let there: PrinterClient = served(PrinterHandler::new(Calls::default())).await;
    let here = use_printer(Arc::new(Calls::default())).await;
    assert_eq!(here, use_printer(Arc::new(there)).await);
}

/// A meter that counts what flows.
#[mesh_service]
pub trait Meter: Send + Sync {
    async fn total(&self, unit: &str) -> anyhow::Result<f64>;
    async fn since(&self, then: std::time::SystemTime, unit: &str) -> anyhow::Result<f64>;
    async fn reset(&self, pin: [u8; 4]) -> anyhow::Result<()>;
    async fn in_litres(&self) -> anyhow::Result<f64> {
        Ok(self.total("l").await? * 1.0)
    }
}

impl Meter for Calls {
    async fn total(&self, unit: &str) -> anyhow::Result<f64> {
        self.answer("total", &[&unit])
    }
    async fn since(&self, then: std::time::SystemTime, unit: &str) -> anyhow::Result<f64> {
        self.answer("since", &[&then, &unit])
    }
    async fn reset(&self, pin: [u8; 4]) -> anyhow::Result<()> {
        self.answer("reset", &[&pin])
    }
}

async fn use_meter(meter: &impl Meter) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.messages(meter.total(&seen.text()).await);
        seen.messages(meter.since(seen.give(), &seen.text()).await);
        seen.messages(meter.reset(seen.give()).await);
        seen.messages(meter.in_litres().await);
    }
    seen
}

#[tokio::test]
async fn meter() {
    let there: MeterClient = served(MeterHandler::new(Calls::default())).await;
    let here = use_meter(&Calls::default()).await;
    assert_eq!(here, use_meter(&there).await);
}

/// Firmware of devices far away.
#[mesh_service]
#[async_trait]
#[cfg(not(any()))]
pub trait Firmware: Send + Sync {
    #[mesh(run_to_completion, deadline = "10m")]
    async fn flash(&self, device: String, image: Vec<u8>, checksum: u32)
    -> Result<(), DeviceError>;
    async fn version(&self, device: String) -> Result<(u16, u16, u16), DeviceError>;
    #[cfg(any())]
    async fn erase(&self, device: String) -> Result<Erased, DeviceError>;
    #[cfg(unix)]
    async fn roll_back(
        &self,
        device: String,
        to: Option<(u16, u16, u16)>,
    ) -> Result<bool, DeviceError>;
}

#[async_trait]
impl Firmware for Calls {
    async fn flash(
        &self,
        device: String,
        image: Vec<u8>,
        checksum: u32,
    ) -> Result<(), DeviceError> {
        self.answer("flash", &[&device, &image, &checksum])
    }
    async fn version(&self, device: String) -> Result<(u16, u16, u16), DeviceError> {
        self.answer("version", &[&device])
    }
    #[cfg(unix)]
    async fn roll_back(
        &self,
        device: String,
        to: Option<(u16, u16, u16)>,
    ) -> Result<bool, DeviceError> {
        self.answer("roll_back", &[&device, &to])
    }
}

async fn use_firmware(firmware: Arc<dyn Firmware>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(firmware.flash(seen.give(), seen.give(), seen.give()).await);
        seen.wrapped(firmware.version(seen.give()).await);
        seen.wrapped(firmware.roll_back(seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn firmware() {
    let there: FirmwareClient = served(FirmwareHandler::new(Calls::default())).await;
    let here = use_firmware(Arc::new(Calls::default())).await;
    assert_eq!(here, use_firmware(Arc::new(there)).await);
}
