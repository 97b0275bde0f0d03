//! The writing end: frames that were built elsewhere, written as they are.

use crate::wire::Frame;
use socket2::SockRef;
use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::sync::Arc;
use tokio::net::TcpStream;

/// Frames given to the kernel at once.
const SLICES: usize = 64;

/// The writing end.
pub(in crate::gateway) struct Sink {
    pub(super) stream: Arc<TcpStream>,
    /// A write was dropped, perhaps within a frame: whatever came behind it would be taken for the rest of it.
    pub(super) midway: bool,
    /// The frame within which a write was given up, and how much of it is written.
    pub(super) rest: Option<Box<(Frame, usize)>>,
}

impl Sink {
    /// Writes frames, all of them. When it fails or is dropped before its end, nothing more can be written.
    pub(in crate::gateway) async fn write(&mut self, frames: &[Frame]) -> io::Result<()> {
        match self.try_write(frames)? {
            None => Ok(()),
            Some(mut place) => self.write_rest(frames, &mut place).await,
        }
    }

    /// Gives a write up that is at `place`. Only what is needed to say something else will still be written of it.
    pub(in crate::gateway) fn give_up(&mut self, frames: &[Frame], place: &Place) {
        self.midway = false;
        let begun = frames.get(place.frame).filter(|_| place.offset > 0);
        self.rest = begun.map(|frame| Box::new((frame.clone(), place.offset)));
    }

    /// Ends the frame within which a write was given up.
    pub(in crate::gateway) async fn end_frame(&mut self) -> io::Result<()> {
        let Some(rest) = self.rest.take() else {
            return Ok(());
        };
        let mut place = Place {
            frame: 0,
            offset: rest.1,
        };
        self.midway = true;
        self.write_rest(std::slice::from_ref(&rest.0), &mut place).await
    }

    /// Ends the stream behind what was written.
    pub(in crate::gateway) fn finish(&self) {
        // It may have ended already.
        let _ = SockRef::from(&*self.stream).shutdown(Shutdown::Write);
    }

    /// Writes as much as the kernel takes at once. Answers the place where it stopped, if it did: then [`Sink::write_rest`]
    /// must go on with the same frames, and nothing else can be written before.
    pub(in crate::gateway) fn try_write(&mut self, frames: &[Frame]) -> io::Result<Option<Place>> {
        if self.rest.is_some() || std::mem::replace(&mut self.midway, true) {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let mut place = Place::default();
        let done = self.advance(frames, &mut place)?;
        self.midway = !done;
        Ok((!done).then_some(place))
    }

    /// Writes what [`Sink::try_write`] has left.
    pub(in crate::gateway) async fn write_rest(
        &mut self,
        frames: &[Frame],
        place: &mut Place,
    ) -> io::Result<()> {
        loop {
            self.stream.writable().await?;
            if self.advance(frames, place)? {
                self.midway = false;
                return Ok(());
            }
        }
    }

    /// Writes on from a place, until all is written or the kernel takes no more; answers whether it is all.
    fn advance(&self, frames: &[Frame], place: &mut Place) -> io::Result<bool> {
        while place.frame < frames.len() {
            let end = frames.len().min(place.frame + SLICES);
            let written = match &frames[place.frame..end] {
                [one] => self.stream.try_write(&one.bytes()[place.offset..]),
                several => self.write_several(several, place.offset),
            };
            match written {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => place.pass(frames, count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn write_several(&self, frames: &[Frame], offset: usize) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        for (slice, frame) in slices.iter_mut().zip(frames) {
            *slice = IoSlice::new(frame.bytes());
        }
        slices[0].advance(offset);
        self.stream.try_write_vectored(&slices[..frames.len()])
    }
}

/// How much of some frames has been written.
#[derive(Default)]
pub(in crate::gateway) struct Place {
    /// The first that has not been written whole.
    frame: usize,
    /// Bytes of it that have been.
    offset: usize,
}

impl Place {
    fn pass(&mut self, frames: &[Frame], bytes: usize) {
        self.offset += bytes;
        while self.frame < frames.len() && self.offset >= frames[self.frame].size() {
            self.offset -= frames[self.frame].size();
            self.frame += 1;
        }
    }
}
