use serde_json::Value;

use super::soon;

/// One frame as the contract has it: an optional event name and one data line of JSON; or a comment.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    Comment(String),
    Data { event: Option<String>, data: Value },
}

impl Frame {
    pub fn event(&self) -> Option<&str> {
        match self {
            Self::Comment(_) => None,
            Self::Data { event, .. } => event.as_deref(),
        }
    }

    pub fn data(&self) -> &Value {
        match self {
            Self::Comment(_) => &Value::Null,
            Self::Data { data, .. } => data,
        }
    }

    pub fn is_chunk(&self) -> bool {
        self.event().is_none() && self.data()["type"] == "chunk"
    }
}

/// Reads frames strictly: whatever is not exactly a frame of the contract fails the test.
pub struct EventStream {
    response: reqwest::Response,
    unread: Vec<u8>,
}

impl EventStream {
    pub const fn new(response: reqwest::Response) -> Self {
        Self { response, unread: Vec::new() }
    }

    /// The next frame, `None` at the orderly end.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = find(&self.unread, b"\n\n") {
                let frame: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Some(parse(&frame[..end]));
            }
            let chunk = soon("a frame or the end", self.response.chunk()).await;
            let Some(bytes) = chunk.expect("the stream ends in order") else {
                assert!(self.unread.is_empty(), "half a frame: {:?}", self.unread);
                return None;
            };
            self.unread.extend_from_slice(&bytes);
        }
    }

    /// The next frame, which must be there.
    pub async fn expect(&mut self) -> Frame {
        self.next().await.expect("another frame")
    }

    /// The next frame's content, which must be a chunk.
    pub async fn chunk(&mut self) -> String {
        let frame = self.expect().await;
        assert!(frame.is_chunk(), "{frame:?}");
        frame.data()["content"].as_str().expect("chunks have content").to_owned()
    }

    /// All frames to the end.
    pub async fn rest(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }

    /// All frames to the end, chunks put together: the code and what followed it.
    pub async fn collect(self) -> (String, Vec<Frame>) {
        let frames = self.rest().await;
        let code = frames
            .iter()
            .filter(|frame| frame.is_chunk())
            .map(|frame| frame.data()["content"].as_str().expect("chunks have content"))
            .collect();
        let others = frames.into_iter().filter(|frame| !frame.is_chunk()).collect();
        (code, others)
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

fn parse(bytes: &[u8]) -> Frame {
    let text = std::str::from_utf8(bytes).expect("frames are UTF-8");
    if let Some(comment) = text.strip_prefix(':') {
        return Frame::Comment(comment.trim().to_owned());
    }
    let (event, data) = match text.split_once('\n') {
        Some((first, second)) => {
            let name = first.strip_prefix("event: ").unwrap_or_else(|| panic!("{text:?}"));
            (Some(name.to_owned()), second)
        }
        None => (None, text),
    };
    let data = data.strip_prefix("data: ").unwrap_or_else(|| panic!("{text:?}"));
    let data = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error} in {text:?}"));
    Frame::Data { event, data }
}
