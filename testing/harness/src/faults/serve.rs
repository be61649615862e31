//! Serves the proxy's connections: receives a request, applies the rules, and answers.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::rule::action_for;
use super::{Action, Call, Reply, State};

/// Accepts connections until the proxy is dropped, which also ends the connections.
pub(super) async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                connections.spawn(serve(client, Arc::clone(&state)));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(client: TcpStream, state: Arc<State>) {
    let _ = client.set_nodelay(true);
    let answer = service_fn(|request| answer(Arc::clone(&state), request));
    // The error is either `NoAnswer`, which is intended, or was caused by the client.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(client), answer).await;
}

/// The error that makes hyper close the connection without an answer.
#[derive(Debug)]
struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the call receives no answer")
    }
}

impl std::error::Error for NoAnswer {}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let exchange = Exchange::begin(state, request).await?;
    let caught = exchange.action();
    let reply = match caught {
        None => exchange.carry_out(None).await,
        // A separate task continues if the client disconnects.
        Some(action) => {
            tokio::spawn(async move { exchange.carry_out(Some(action)).await }).await.map_err(|_| NoAnswer)?
        }
    };
    reply.map(Reply::into_response).ok_or(NoAnswer)
}

/// One call in progress.
struct Exchange {
    state: Arc<State>,
    number: usize,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Exchange {
    async fn begin(state: Arc<State>, request: Request<Incoming>) -> Result<Self, NoAnswer> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| NoAnswer)?.to_bytes();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let mut call = Call {
            number: 0,
            method: parts.method.to_string(),
            path: path.clone(),
            headers: parts.headers.clone(),
            body: body.clone(),
            at: Instant::now(),
            fault: None,
            effects: Vec::new(),
            answer: None,
            ended: false,
        };
        let mut number = 0;
        state.calls.send_modify(|calls| {
            number = calls.last().map_or(0, |call| call.number + 1);
            call.number = number;
            calls.push(call);
        });
        Ok(Self { state, number, method: parts.method, path, headers: end_to_end(parts.headers), body })
    }

    /// The action for this call, which is also recorded.
    fn action(&self) -> Option<Action> {
        let action = action_for(&mut self.state.rules(), self.method.as_str(), &self.path, &self.body);
        if let Some(action) = &action {
            self.record(|call| call.fault = Some(format!("{action:?}")));
        }
        action
    }

    async fn carry_out(&self, action: Option<Action>) -> Option<Reply> {
        let reply = match action {
            None => self.forward().await,
            Some(action) => self.apply(action).await,
        };
        let answer = reply.map(|reply| Reply { at: Instant::now(), ..reply });
        self.record(|call| {
            call.answer.clone_from(&answer);
            call.ended = true;
        });
        answer
    }

    async fn apply(&self, action: Action) -> Option<Reply> {
        match action {
            Action::Refuse => None,
            Action::LoseReply => {
                self.forward().await;
                None
            }
            Action::Twice => {
                self.forward().await;
                self.forward().await
            }
            Action::TwiceInParallel => {
                let (one, other) = tokio::join!(self.forward(), self.forward());
                one.or(other)
            }
            Action::DelayRequest(delay) => {
                tokio::time::sleep(delay).await;
                self.forward().await
            }
            Action::DelayReply(delay) => {
                let reply = self.forward().await;
                tokio::time::sleep(delay).await;
                reply
            }
            Action::HoldRequest(gate) => {
                gate.pass().await;
                self.forward().await
            }
            Action::HoldReply(gate) => {
                let reply = self.forward().await;
                gate.pass().await;
                reply
            }
            Action::Status(status, body, content_type) => Some(Reply::synthetic(status, body, content_type)),
            Action::Garbage => {
                self.forward().await?;
                Some(Reply::synthetic(200, "<html><body>It works!</body></html>".to_owned(), "text/html"))
            }
            Action::TornReply => {
                let reply = self.forward().await?;
                Some(Reply { body: reply.body.slice(..reply.body.len() / 2), ..reply })
            }
        }
    }

    /// Sends the request to the service and records the reply. Returns `None` if no reply arrives.
    async fn forward(&self) -> Option<Reply> {
        let target = self.state.target.lock().expect("nothing panics while it holds the target").clone();
        let uri = Uri::builder().scheme("http").authority(target).path_and_query(self.path.as_str());
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri.build().expect("the URL of the service is valid");
        *request.headers_mut() = self.headers.clone();
        let (parts, body) = self.state.client.request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        let status = parts.status.as_u16();
        let reply = Reply { status, headers: end_to_end(parts.headers), body, at: Instant::now() };
        self.record(|call| call.effects.push(reply.clone()));
        Some(reply)
    }

    /// Changes the record of this call, unless the test has deleted it.
    fn record(&self, change: impl FnOnce(&mut Call)) {
        self.state.calls.send_modify(|calls| {
            if let Some(call) = calls.iter_mut().rev().find(|call| call.number == self.number) {
                change(call);
            }
        });
    }
}

impl Reply {
    fn synthetic(status: u16, body: String, content_type: &'static str) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { status, headers, body: Bytes::from(body), at: Instant::now() }
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status.try_into().expect("a status is from 100 to 999");
        *response.headers_mut() = self.headers;
        response
    }
}

/// Removes the headers that apply to a single connection.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::CONNECTION, header::CONTENT_LENGTH, header::HOST, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}
