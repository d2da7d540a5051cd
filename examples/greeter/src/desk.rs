use crate::{Greeter, Postcard, PostcardError};

/// Characters that fit on a postcard.
const LIMIT: usize = 500;

/// A greeter behind a desk.
#[derive(Clone, Debug, Default)]
pub struct Desk;

impl Greeter for Desk {
    async fn greet(&self, name: &str) -> anyhow::Result<String> {
        anyhow::ensure!(!name.trim().is_empty(), "nobody to greet");
        Ok(format!("Hello, {name}"))
    }

    async fn send_postcard(&self, card: Postcard) -> Result<String, PostcardError> {
        let Postcard {
            recipient,
            address,
            message,
        } = card;
        if recipient.trim().is_empty() || address.trim().is_empty() {
            return Err(PostcardError::NoRecipient);
        }
        let length = message.chars().count();
        if length > LIMIT {
            return Err(PostcardError::TooLong {
                length,
                limit: LIMIT,
            });
        }
        Ok(format!("To {recipient}, {address}: {message}"))
    }
}
