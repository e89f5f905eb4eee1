//! Sizes: callers name pixels (`1024x1536`), Google a shape (`2:3`) and how many pixels a side has at least (`2K`).

/// How far a shape may be from the one that is asked for. Google's own sizes are not exactly of the shape they name:
/// `3:4` is drawn as 896 by 1280.
const TOLERANCE: f64 = 0.08;

/// Above this many pixels at the longer side, the next larger size is asked for.
const MOST_OF_1K: u32 = 1792;
const MOST_OF_2K: u32 = 3072;

/// What Google is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) shape: String,
    /// `2K`, `4K`; none for what is drawn unless said.
    pub(super) size: Option<&'static str>,
}

/// A size in Google's words, of the `shapes` that the model has; none where it has none that is near.
pub(super) fn read(size: &str, shapes: &[&str]) -> Option<Asked> {
    if shapes.contains(&size) {
        return Some(Asked { shape: size.to_owned(), size: None });
    }
    let (width, height) = pair(size, 'x')?;
    let wanted = f64::from(width) / f64::from(height);
    let off = |shape: &str| {
        let (width, height) = pair(shape, ':')?;
        Some((f64::from(width) / f64::from(height) / wanted - 1.0).abs())
    };
    let near = shapes.iter().filter_map(|shape| Some((off(shape)?, *shape))).min_by(|a, b| a.0.total_cmp(&b.0));
    let (_, shape) = near.filter(|(off, _)| *off <= TOLERANCE)?;
    let longer = width.max(height);
    let size = match longer > MOST_OF_1K {
        false => None,
        true if longer <= MOST_OF_2K => Some("2K"),
        true => Some("4K"),
    };
    Some(Asked { shape: shape.to_owned(), size })
}

fn pair(text: &str, between: char) -> Option<(u32, u32)> {
    let (first, second) = text.split_once(between)?;
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number > 0);
    Some((number(first)?, number(second)?))
}
