//! `tidings thumbnail`: a smaller picture of the one on standard input, on standard output. A process of its own, so that a picture that
//! breaks a decoder breaks no more than that.

use crate::attachments::UNREADABLE;
use anyhow::{Context as _, bail};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits};
use std::io::{Cursor, Read as _, Write as _};
use std::process::ExitCode;

/// The largest picture that is read, in bytes.
const INPUT: u64 = 64 << 20;
/// The longest side and the most pixels of a picture that is decoded.
const SIDE: u32 = 16_384;
const PIXELS: u64 = 50_000_000;
/// What a decoder may ask for.
const ALLOCATED: u64 = 256 << 20;
/// What the process may take: memory in bytes, of which the allocator has set a gigabyte aside before anybody asks, and processor time in
/// seconds.
const MEMORY: u64 = 2 << 30;
const ADDRESSES: u64 = 4 << 30;
const SECONDS: u64 = 5;

/// Makes the picture fit into a square of `size` pixels. It is turned as its camera was held, and nothing but pixels is left. One that cannot be
/// read is told by an exit code of its own.
pub(super) fn run(size: u32) -> anyhow::Result<ExitCode> {
    confine()?;
    let mut input = vec![];
    std::io::stdin().take(INPUT + 1).read_to_end(&mut input)?;
    let smaller = match smaller(&input, size) {
        Ok(smaller) => smaller,
        Err(error) => {
            eprintln!("tidings: {error:#}");
            return Ok(ExitCode::from(UNREADABLE));
        }
    };
    let mut output = vec![];
    if smaller.color().has_alpha() {
        let smaller = DynamicImage::ImageRgba8(smaller.to_rgba8());
        smaller.write_to(&mut Cursor::new(&mut output), image::ImageFormat::WebP)?;
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut output, 80);
        smaller.to_rgb8().write_with_encoder(encoder)?;
    }
    std::io::stdout().write_all(&output)?;
    Ok(ExitCode::SUCCESS)
}

/// Takes everything from the process that it does not need.
fn confine() -> anyhow::Result<()> {
    for (resource, soft, hard) in [
        (rlimit::Resource::DATA, MEMORY, MEMORY),
        (rlimit::Resource::AS, ADDRESSES, ADDRESSES),
        (rlimit::Resource::CPU, SECONDS, SECONDS + 1),
        (rlimit::Resource::FSIZE, 0, 0),
        (rlimit::Resource::CORE, 0, 0),
    ] {
        resource.set(soft, hard).context("limits cannot be set")?;
    }
    Ok(())
}

fn smaller(input: &[u8], size: u32) -> anyhow::Result<DynamicImage> {
    if input.len() as u64 > INPUT {
        bail!("the picture has too many bytes");
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(ALLOCATED);
    let mut reader = ImageReader::new(Cursor::new(input)).with_guessed_format()?;
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS {
        bail!("the picture has too many pixels");
    }
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    if picture.width() > size || picture.height() > size {
        picture = picture.thumbnail(size, size);
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = vec![];
        DynamicImage::new_rgb8(width, height)
            .write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png)
            .unwrap();
        bytes
    }

    #[test]
    fn a_picture_becomes_smaller_and_never_larger() {
        let sides = |width, height, size| {
            let smaller = smaller(&png(width, height), size).unwrap();
            (smaller.width(), smaller.height())
        };
        assert_eq!(sides(1000, 500, 480), (480, 240));
        assert_eq!(sides(20, 10, 480), (20, 10));
        assert!(smaller(b"no picture", 480).is_err());
        assert!(smaller(&png(SIDE + 1, 1), 480).is_err());
    }
}
