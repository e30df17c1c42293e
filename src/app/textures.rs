//! Pictures on the graphics adapter, which holds none beyond a certain size.

use eframe::egui::{ColorImage, Context};

/// The picture, or every k-th pixel of it where it is larger than the adapter
/// can hold.
pub fn fitting(context: &Context, image: ColorImage) -> ColorImage {
    let most = context.input(|input| input.max_texture_side).max(1);
    thinned(image, most)
}

fn thinned(image: ColorImage, most: usize) -> ColorImage {
    let [width, height] = image.size;
    let step = width.max(height).div_ceil(most).max(1);
    if step == 1 {
        return image;
    }
    let size = [width.div_ceil(step), height.div_ceil(step)];
    let pixels = (0..size[1])
        .flat_map(|j| (0..size[0]).map(move |i| (i * step, j * step)))
        .map(|(i, j)| image.pixels[j * width + i])
        .collect();
    ColorImage::new(size, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::Color32;

    #[test]
    fn pictures_fit_and_small_ones_stay() {
        let image = |width: usize, height: usize| {
            let pixels = (0..width * height).map(|i| Color32::from_gray((i % 251) as u8));
            ColorImage::new([width, height], pixels.collect())
        };
        assert_eq!(thinned(image(8, 5), 8), image(8, 5));
        let small = thinned(image(9, 3), 4);
        assert_eq!(small.size, [3, 1]);
        assert_eq!(small.pixels[1], image(9, 3).pixels[3]);
    }
}
