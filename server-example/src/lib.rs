//! The reference server: the FiscaFlow engine behind REST.
//!
//! It owns identity, delivery and operations, and adds no behaviour: every verb of the engine's
//! table has one route, all routes share one handler, and what a verb means is decided in the
//! core. The library exists for the tests and for whoever embeds the router in a larger service;
//! the binary reads the settings and runs it.

#![forbid(unsafe_code)]

pub mod app;
pub mod auth;
pub mod config;
mod envelope;
pub mod error;
#[cfg(any(feature = "outside", feature = "webhooks"))]
mod http;
pub mod openapi;
pub mod operate;
#[cfg(feature = "outside")]
pub mod outside;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
pub mod relay;
mod routes;
pub mod serve;
pub mod state;
#[cfg(feature = "webhooks")]
pub mod webhook;
