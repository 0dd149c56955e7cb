#![allow(warnings, clippy::all)]
use std::time::Instant;
use pravega_client_shared::*; use pravega_wire_protocol::*; use bytes::*;
use tokio::io::*; use tokio::net::TcpStream;
fn ap(n:i64,data:Bytes)->Bytes{ Request::from(AppendBlockEnd{writer_id:WriterId::from_wire(1),size_of_whole_events:0,data:data.into(),num_events:1,last_event_number:n,request_id:n}).encode_to_bytes().unwrap() }
async fn next(s:&mut tokio::net::tcp::OwnedReadHalf,b:&mut BytesMut)->Reply{ let mut d=FrameDecoder::new(FrameLimits::new(MAX_RECEIVED_PAYLOAD)); loop{ if let Some(f)=d.decode_frame(b).unwrap(){return Reply::decode(f).unwrap();} b.reserve(d.missing(b).max(256*1024)); s.read_buf(b).await.unwrap(); } }
async fn run(name:&str,h:&pravega_standalone::StandaloneHandle,size:usize,count:i64,window:i64){
  let seg=format!("s/{name}{size}{window}/0.#epoch.0");
  let s=TcpStream::connect(h.store_addr()).await.unwrap(); s.set_nodelay(true).unwrap(); let (mut r,mut w)=s.into_split(); let mut b=BytesMut::new();
  w.write_all(&Request::from(Hello::current()).encode_to_bytes().unwrap()).await.unwrap();
  w.write_all(&Request::from(CreateSegment{request_id:1,segment:seg.as_str().into(),target_rate:0,scale_type:0,delegation_token:DelegationToken::default(),rollover_size_bytes:0}).encode_to_bytes().unwrap()).await.unwrap();
  w.write_all(&Request::from(SetupAppend{request_id:1,writer_id:WriterId::from_wire(1),segment:seg.as_str().into(),delegation_token:DelegationToken::default()}).encode_to_bytes().unwrap()).await.unwrap();
  for _ in 0..3 { next(&mut r,&mut b).await; }
  let data=Bytes::from(vec![7u8;size]);
  let t=Instant::now(); let mut sent=0; let mut acked=0;
  let mut out=BytesMut::new();
  while acked<count { out.clear(); while sent<count && sent-acked<window { sent+=1; out.extend_from_slice(&ap(sent,data.clone())); } w.write_all(&out).await.unwrap();
    loop { if let Reply::DataAppended(a)=next(&mut r,&mut b).await { acked=a.event_number; } if acked==sent || sent-acked<=window/2 {break;} } }
  let e=t.elapsed().as_secs_f64(); println!("{name} append {size}B window {window}: {:.0}/s {:.1} MB/s, {:.1} us each",count as f64/e, count as f64*size as f64/e/1e6, e*1e6/count as f64);
  // read back pipelined 4
  let total=count*size as i64; let t=Instant::now(); let mut at=0; let mut got=0i64;
  while got<total { let mut n=0; out.clear(); while n<4 && at<total { out.extend_from_slice(&Request::from(ReadSegment{segment:seg.as_str().into(),offset:at,suggested_length:1<<20,delegation_token:DelegationToken::default(),request_id:1}).encode_to_bytes().unwrap()); at+=1<<20; n+=1; } w.write_all(&out).await.unwrap();
    for _ in 0..n { if let Reply::SegmentRead(x)=next(&mut r,&mut b).await { got+=x.data.len() as i64; } } if at>=total {break;} }
  println!("   read {:.0} MB/s ({} of {})",got as f64/1e6/t.elapsed().as_secs_f64(),got,total);
}
#[tokio::main(flavor="multi_thread")] async fn main(){
  let h=pravega_standalone::Standalone::builder().start().await.unwrap();

  let d=tempfile::tempdir_in(std::env::args().nth(1).unwrap()).unwrap(); let h=pravega_standalone::Standalone::builder().data_dir(d.path()).start().await.unwrap();
  run("disk",&h,100,300,1).await; run("disk",&h,100,100000,1000).await; run("disk",&h,65536,4000,32).await; run("disk",&h,1<<20,300,8).await; run("disk",&h,8<<20,30,1).await;
  h.shutdown().await;
}
