//! Telling the journey: a line per step with what happened and how long it took, or a JSON object per step.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::output::{Style, line, styled};

/// Where the story goes.
pub(crate) struct Report {
    json: bool,
    step: u32,
    started: Instant,
    /// What is happening now; hides itself where nobody watches.
    now: ProgressBar,
    doing: String,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        let now = if json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let style = ProgressStyle::with_template("  {spinner} {msg} {elapsed}").expect("the template is right");
        now.set_style(style.tick_chars("·•· "));
        Self { json, step: 0, started: Instant::now(), now, doing: String::new() }
    }

    pub(crate) fn title(&self) {
        if !self.json {
            line(&styled(Style::Strong, "Entrance: sign-in with the organisation's directory, on a real API server"));
            line("");
        }
    }

    /// Says what is happening until the next `done` or `failed`.
    pub(crate) fn doing(&mut self, what: &str) {
        what.clone_into(&mut self.doing);
        self.now.set_message(what.to_owned());
        self.now.reset_elapsed();
        self.now.enable_steady_tick(Duration::from_millis(120));
    }

    /// A step that is done; `same` is the line that does it by hand.
    pub(crate) fn done(&mut self, what: &str, same: Option<&str>, took: Duration) {
        self.step += 1;
        self.now.disable_steady_tick();
        self.now.set_message("");
        self.doing.clear();
        if self.json {
            let object = json!({ "step": self.step, "ok": true, "what": what, "command": same, "seconds": seconds(took) });
            return line(&object.to_string());
        }
        self.now.suspend(|| {
            line(&format!(
                "{} {:>2}. {what}  {}",
                styled(Style::Good, "ok"),
                self.step,
                styled(Style::Dim, &format!("{:.2} s", took.as_secs_f64()))
            ));
            if let Some(same) = same {
                line(&format!("        {}", styled(Style::Dim, &format!("$ {same}"))));
            }
        });
    }

    /// The step that failed.
    pub(crate) fn failed(&mut self, error: &anyhow::Error) {
        self.step += 1;
        self.now.finish_and_clear();
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        if self.json {
            let object = json!({ "step": self.step, "ok": false, "what": self.doing, "error": causes.join(": ") });
            return line(&object.to_string());
        }
        line(&format!("{} {:>2}. {}", styled(Style::Bad, "failed"), self.step, self.doing));
        for cause in causes {
            line(&format!("        {cause}"));
        }
    }

    /// Ends the story.
    pub(crate) fn end(&mut self, went_well: bool, summary: serde_json::Value, text: &[String]) {
        self.now.finish_and_clear();
        let took = self.started.elapsed();
        if self.json {
            let mut object = json!({ "done": true, "ok": went_well, "steps": self.step, "seconds": seconds(took) });
            object["next"] = summary;
            return line(&object.to_string());
        }
        line("");
        let verdict = if went_well {
            styled(Style::Good, "The whole journey works.")
        } else {
            styled(Style::Bad, "The journey did not get to its end.")
        };
        line(&format!("{verdict} {} steps, {:.1} s.", self.step, took.as_secs_f64()));
        for part in text {
            line(part);
        }
    }
}

fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}
