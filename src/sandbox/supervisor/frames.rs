use std::io;

/// Cuts a stream of bytes into frames. Holds at most one frame of the bound and what was pushed
/// with it.
#[derive(Debug)]
pub(super) struct Frames {
    pending: Vec<u8>,
    max_bytes: usize,
}

const LENGTH_BYTES: usize = 4;

impl Frames {
    pub(super) const fn up_to(max_bytes: usize) -> Self {
        Self { pending: Vec::new(), max_bytes }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Takes the next frame that has arrived in full.
    ///
    /// A length is checked as soon as it is known, so nothing is collected for one that lies.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some((length, rest)) = self.pending.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > self.max_bytes {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let after = self.pending.split_off(LENGTH_BYTES + length);
        let mut frame = std::mem::replace(&mut self.pending, after);
        frame.drain(..LENGTH_BYTES);
        Ok(Some(frame))
    }

    /// Whether a part of a frame is waiting for the rest.
    pub(super) const fn is_inside_frame(&self) -> bool {
        !self.pending.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).expect("a short body");
        [&length.to_be_bytes(), body].concat()
    }

    #[test]
    fn frames_come_out_however_the_bytes_arrive() {
        let stream = [frame(b"{}"), frame(b""), frame(b"[1,2]")].concat();
        for chunk in 1..=stream.len() {
            let mut frames = Frames::up_to(16);
            let mut seen = Vec::new();
            for bytes in stream.chunks(chunk) {
                frames.push(bytes);
                while let Some(frame) = frames.next().expect("short frames") {
                    seen.push(frame);
                }
            }
            assert_eq!(seen, [b"{}".to_vec(), b"".to_vec(), b"[1,2]".to_vec()]);
            assert!(!frames.is_inside_frame());
        }
    }

    #[test]
    fn a_length_over_the_bound_is_refused_before_its_body_arrives() {
        let mut frames = Frames::up_to(16);
        frames.push(&17_u32.to_be_bytes());
        assert!(frames.next().is_err());
    }

    #[test]
    fn a_frame_of_exactly_the_bound_is_taken() {
        let mut frames = Frames::up_to(16);
        frames.push(&frame(&[7; 16]));
        assert_eq!(frames.next().expect("within the bound"), Some(vec![7; 16]));
    }

    #[test]
    fn half_a_frame_is_waited_for() {
        let mut frames = Frames::up_to(16);
        frames.push(&[0, 0, 0, 4, b'a']);
        assert_eq!(frames.next().expect("within the bound"), None);
        assert!(frames.is_inside_frame());
    }
}
