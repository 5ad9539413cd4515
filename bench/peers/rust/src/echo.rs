// Tokio as a server: echo of 64 bytes on a current-thread runtime.
use std::sync::{mpsc, Arc};
use std::thread::{self, JoinHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::Notify;

use crate::tasks::Pin;

/// Looks at a message, and may change it. False: the server is to end.
pub type Look = extern "C" fn(*mut u8) -> bool;

pub struct Echo {
    thread: Option<JoinHandle<()>>,
    port: u16,
}

async fn serve(mut socket: TcpStream, look: Look, end: Arc<Notify>) {
    let mut bytes = [0; 64];
    while socket.read_exact(&mut bytes).await.is_ok() {
        if !look(bytes.as_mut_ptr()) {
            end.notify_one();
        }
        if socket.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

#[no_mangle]
pub extern "C" fn peer_tokio_echo_new(pin: Pin, look: Look) -> *mut Echo {
    let (to, told) = mpsc::channel();
    let thread = thread::spawn(move || {
        pin(0);
        let runtime = Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            to.send(listener.local_addr().unwrap().port()).unwrap();
            let end = Arc::new(Notify::new());
            let seen = end.clone();
            tokio::spawn(async move {
                loop {
                    let (socket, _) = listener.accept().await.unwrap();
                    tokio::spawn(serve(socket, look, seen.clone()));
                }
            });
            end.notified().await;
        });
    });
    Box::into_raw(Box::new(Echo { thread: Some(thread), port: told.recv().unwrap() }))
}

/// # Safety
/// `echo` is one of peer_tokio_echo_new.
#[no_mangle]
pub unsafe extern "C" fn peer_tokio_echo_port(echo: *const Echo) -> u16 {
    (*echo).port
}

/// # Safety
/// The same; it was told to end, and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn peer_tokio_echo_free(echo: *mut Echo) {
    let mut echo = Box::from_raw(echo);
    echo.thread.take().unwrap().join().unwrap();
}
