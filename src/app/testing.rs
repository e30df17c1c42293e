//! Frames of a window without a window, for tests.

use eframe::egui::{Context, FullOutput, RawInput, Ui};

/// Makes one frame. Nobody paints it: egui would complain about textures that
/// never reach a painter.
pub fn frame(ctx: &Context, input: RawInput, contents: impl FnMut(&mut Ui)) -> FullOutput {
    let mut output = ctx.run_ui(input, contents);
    output.textures_delta.clear();
    output
}
