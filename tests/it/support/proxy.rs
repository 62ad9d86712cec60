//! A TCP relay that a test may cut and mend: a server that is gone for a while, without its end.

use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A relay on loopback. Its threads end with their connections, the last with the process.
pub(crate) struct Proxy {
    port: u16,
    /// What is connected; `None` while it is cut.
    connected: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Proxy {
    /// Relays to a port on loopback.
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let connected = Arc::new(Mutex::new(Some(Vec::new())));
        let known = connected.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // a client that comes while it is cut finds the door shut
                if let Some(known) = known.lock().unwrap().as_mut()
                    && let Ok(server) = TcpStream::connect(("127.0.0.1", port))
                {
                    known.extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                    let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                    thread::spawn(move || relay(from_client, to_server));
                    thread::spawn(move || relay(server, client));
                }
            }
        });
        Self { port: own, connected }
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Breaks every connection, and takes no new one.
    pub(crate) fn cut(&self) {
        for stream in self.connected.lock().unwrap().take().into_iter().flatten() {
            // one that has ended is broken already
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Takes connections again.
    pub(crate) fn mend(&self) {
        self.connected.lock().unwrap().get_or_insert_default();
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream) {
    // however it ends, the other side learns of it
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}
