use crate::payments::PaymentError;

/// Why a customer did not get what they asked for.
#[derive(Debug, thiserror::Error, meshrpc::MeshError)]
pub enum Error {
    /// The catalogue has no such item.
    #[error("nothing is sold as `{0}`")]
    NotSold(String),
    /// Fewer are there than were asked for.
    #[error("only {left} of `{sku}` are left")]
    OutOfStock {
        /// The item.
        sku: String,
        /// How many there are.
        left: u32,
    },
    /// Nothing was bought under this number.
    #[error("there is no order {0}")]
    NoOrder(String),
    /// It was not paid.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// A call to another process failed.
    #[error(transparent)]
    Mesh(#[from] meshrpc::Error),
}
