//! What a session can be named by.

/// A value that names a session: calls with equal keys go to the same instance while it is there.
///
/// Integers are written in decimal and text as it is, so that a key means the same to every client
/// in every language. Keys are at most 256 bytes long.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot name a session",
    label = "not an integer, `str` or `String`",
    note = "derive an integer or a text from it"
)]
pub trait SessionKey {
    /// The key as text.
    fn session_key(&self) -> String;
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl SessionKey for $integer {
            fn session_key(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

impl SessionKey for str {
    fn session_key(&self) -> String {
        self.to_owned()
    }
}

impl SessionKey for String {
    fn session_key(&self) -> String {
        self.clone()
    }
}

impl<T: SessionKey + ?Sized> SessionKey for &T {
    fn session_key(&self) -> String {
        T::session_key(self)
    }
}
