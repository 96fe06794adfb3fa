//! A multi-hop routing mesh over ZeroMQ.
