//! Break-glass doors: the rules over played control planes, and both levers on a real one.

mod leftovers;
mod real;
mod rules;
mod world;
