//! Models of language and what surrounds them.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Transcript, fails, served};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatMessage {
    pub role: Speaker,
    pub content: Vec<Content>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Speaker {
    System,
    User,
    Assistant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    Text { text: String },
    Image { url: String, detail: Option<String> },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    pub temperature: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

#[derive(Debug, thiserror::Error, MeshError)]
pub enum ModelError {
    #[error("{model} is overloaded, {after:?}")]
    #[mesh(status = resource_exhausted)]
    Overloaded {
        model: String,
        after: Option<Duration>,
    },
    #[error("{tokens} tokens are too many")]
    TooLong { tokens: usize },
    #[error("filtered: {0:?}")]
    Filtered(Vec<String>),
    #[error("the provider failed")]
    Http(#[source] anyhow::Error),
    #[error(transparent)]
    #[mesh(transport)]
    Call(#[from] meshrpc::Error),
}

fails!(ModelError: made =>
    Self::Overloaded { model: made.text(), after: made.value() },
    Self::TooLong { tokens: made.below(1 << 30) as usize },
    Self::Filtered(vec![made.text(), made.and(1).text()]),
    Self::Http(made.io().into()),
);

/// A provider of language models.
#[mesh_service]
#[async_trait]
pub trait ModelProvider: Send + Sync {
    #[mesh(local = "remote")]
    fn name(&self) -> &str;
    fn models(&self) -> Result<Vec<String>, ModelError>;
    async fn chat(
        &self,
        model: &str,
        messages: &[ChatMessage],
        sampling: Option<&Sampling>,
    ) -> Result<ChatMessage, ModelError>;
    #[mesh(deadline = "none")]
    async fn stream_chat(
        &self,
        model: String,
        messages: Vec<ChatMessage>,
    ) -> Result<BoxStream<'static, Result<String, ModelError>>, ModelError>;
    async fn count_tokens(&self, model: &str, text: &str) -> Result<usize, ModelError>;
}

#[async_trait]
impl ModelProvider for Calls {
    fn name(&self) -> &str {
        "here"
    }
    fn models(&self) -> Result<Vec<String>, ModelError> {
        self.answer("models", &[])
    }
    async fn chat(
        &self,
        model: &str,
        messages: &[ChatMessage],
        sampling: Option<&Sampling>,
    ) -> Result<ChatMessage, ModelError> {
        let text = self.answer::<String, ModelError>("chat", &[&model, &messages, &sampling])?;
        Ok(said(Speaker::Assistant, text))
    }
    async fn stream_chat(
        &self,
        model: String,
        messages: Vec<ChatMessage>,
    ) -> Result<BoxStream<'static, Result<String, ModelError>>, ModelError> {
        let parts = self.answer::<Vec<String>, ModelError>("stream_chat", &[&model, &messages])?;
        let end = ModelError::Filtered(parts.clone());
        Ok(stream::iter(parts.into_iter().map(Ok).chain([Err(end)])).boxed())
    }
    async fn count_tokens(&self, model: &str, text: &str) -> Result<usize, ModelError> {
        self.answer("count_tokens", &[&model, &text])
    }
}

fn said(role: Speaker, text: String) -> ChatMessage {
    let image = Content::Image {
        url: text.clone(),
        detail: None,
    };
    let content = vec![Content::Text { text }, image];
    ChatMessage { role, content }
}

async fn use_provider(provider: Arc<dyn ModelProvider>) -> Transcript {
    let mut seen = Transcript::default();
    for n in 0..5 {
        seen.variant(provider.models());
        let messages = [
            said(Speaker::System, seen.text()),
            said(Speaker::User, seen.text()),
        ];
        let sampling = Sampling {
            max_tokens: (n % 2 == 0).then_some(n),
            ..seen.give()
        };
        let reply = provider
            .chat(&seen.text(), &messages, Some(&sampling))
            .await;
        seen.variant(reply);
        match provider.stream_chat(seen.give(), messages.to_vec()).await {
            Ok(parts) => {
                let parts: Vec<_> = parts.collect().await;
                parts.into_iter().for_each(|part| seen.variant(part));
            }
            Err(error) => seen.variant(Err::<(), _>(error)),
        }
        seen.variant(provider.count_tokens(&seen.text(), &seen.text()).await);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn model_provider() {
    let there: ModelProviderClient = served(ModelProviderHandler::new(Calls::default())).await;
    assert_eq!(there.name(), "remote");
    let here = use_provider(Arc::new(Calls::default())).await;
    assert_eq!(here, use_provider(Arc::new(there)).await);
}

/// Vectors of texts.
#[mesh_service]
#[async_trait]
#[allow(clippy::len_without_is_empty)]
pub trait Embedder: Send + Sync + 'static {
    #[mesh(local = 384)]
    fn dimensions(&self) -> usize;
    async fn embed(&self, text: &str) -> Result<Vec<f32>, ModelError>;
    async fn embed_batch(
        &self,
        texts: &[&str],
        truncate: bool,
    ) -> Result<Vec<Vec<f32>>, ModelError>;
    async fn warm_up(&self) -> Result<(), ModelError> {
        self.embed("warm").await.map(drop)
    }
}

#[async_trait]
impl Embedder for Calls {
    fn dimensions(&self) -> usize {
        384
    }
    async fn embed(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        self.answer("embed", &[&text])
    }
    async fn embed_batch(
        &self,
        texts: &[&str],
        truncate: bool,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        self.answer("embed_batch", &[&texts, &truncate])
    }
}

async fn use_embedder(embedder: Arc<dyn Embedder>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..5 {
        seen.note(embedder.dimensions());
        seen.variant(embedder.embed(&seen.text()).await);
        seen.variant(
            embedder
                .embed_batch(&[&seen.text(), &seen.text()], seen.give())
                .await,
        );
        seen.variant(embedder.warm_up().await);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn embedder() {
    let there: EmbedderClient = served(EmbedderHandler::new(Calls::default())).await;
    let here = use_embedder(Arc::new(Calls::default())).await;
    assert_eq!(here, use_embedder(Arc::new(there)).await);
}

/// Puts documents in order.
#[mesh_service]
#[async_trait]
pub trait Reranker: Send + Sync {
    async fn rerank(
        &self,
        query: String,
        documents: Vec<String>,
        top: Option<usize>,
    ) -> Result<Vec<(usize, f32)>, Box<dyn std::error::Error + Send + Sync>>;
    async fn explain(
        &self,
        query: String,
        document: String,
    ) -> Result<String, Box<dyn std::error::Error + Send + Sync>>;
}

#[async_trait]
impl Reranker for Calls {
    async fn rerank(
        &self,
        query: String,
        documents: Vec<String>,
        top: Option<usize>,
    ) -> Result<Vec<(usize, f32)>, Box<dyn std::error::Error + Send + Sync>> {
        self.answer("rerank", &[&query, &documents, &top])
    }
    async fn explain(
        &self,
        query: String,
        document: String,
    ) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        self.answer("explain", &[&query, &document])
    }
}

async fn use_reranker(reranker: &dyn Reranker) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.messages(reranker.rerank(seen.give(), seen.give(), seen.give()).await);
        seen.messages(reranker.explain(seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn reranker() {
    let there: RerankerClient = served(RerankerHandler::new(Calls::default())).await;
    let here = use_reranker(&Calls::default()).await;
    assert_eq!(here, use_reranker(&there).await);
}

#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    #[error("the vocabulary cannot be read")]
    Vocabulary(#[from] io::Error),
    #[error("no token {0}")]
    Unknown(u32),
}

fails!(TokenizerError: made => Self::Vocabulary(made.io()), Self::Unknown(made.number() as u32));

/// Splits texts, on any thread.
#[mesh_service]
pub trait Tokenizer: Send + Sync {
    fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>, TokenizerError>;
    fn decode(&self, tokens: &[u32]) -> Result<String, TokenizerError>;
    fn count(&self, text: &str) -> Result<usize, TokenizerError> {
        Ok(self.encode(text, false)?.len())
    }
    fn special(&self) -> Result<BTreeMap<String, u32>, TokenizerError>;
}

impl Tokenizer for Calls {
    fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>, TokenizerError> {
        self.answer("encode", &[&text, &special])
    }
    fn decode(&self, tokens: &[u32]) -> Result<String, TokenizerError> {
        self.answer("decode", &[&tokens])
    }
    fn special(&self) -> Result<BTreeMap<String, u32>, TokenizerError> {
        self.answer("special", &[])
    }
}

fn use_tokenizer(tokenizer: &dyn Tokenizer) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(tokenizer.encode(&seen.text(), seen.give()));
        seen.wrapped(tokenizer.decode(&[seen.give(), seen.give()]));
        seen.wrapped(tokenizer.count(&seen.text()));
        seen.wrapped(tokenizer.special());
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn tokenizer() {
    let there: TokenizerClient = served(TokenizerHandler::new(Calls::default())).await;
    let here = use_tokenizer(&Calls::default());
    assert_eq!(here, use_tokenizer(&there));
}

/// Judges texts. What cannot be judged is flagged.
#[mesh_service]
#[async_trait]
pub trait Moderation: Send + Sync {
    #[mesh(on_failure = |error: meshrpc::Error| vec![error.to_string()])]
    async fn flags(&self, text: String, language: Option<String>) -> Vec<String>;
    #[mesh(on_failure = default)]
    async fn severity(&self, message: Sampling) -> u8;
    #[mesh(on_failure = panic)]
    async fn report(&self, text: String, by: u64) -> String;
}

#[async_trait]
impl Moderation for Calls {
    async fn flags(&self, text: String, language: Option<String>) -> Vec<String> {
        self.value("flags", &[&text, &language])
    }
    async fn severity(&self, message: Sampling) -> u8 {
        self.value("severity", &[&message])
    }
    async fn report(&self, text: String, by: u64) -> String {
        self.value("report", &[&text, &by])
    }
}

async fn use_moderation(moderation: &dyn Moderation) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.note(moderation.flags(seen.give(), seen.give()).await);
        seen.note(moderation.severity(seen.give()).await);
        seen.note(moderation.report(seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn moderation() {
    let there: ModerationClient = served(ModerationHandler::new(Calls::default())).await;
    let here = use_moderation(&Calls::default()).await;
    assert_eq!(here, use_moderation(&there).await);
}
