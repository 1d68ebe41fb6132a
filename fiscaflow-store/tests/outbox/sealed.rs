//! Events of commits that are sealed: they are gone, and nothing waits for them.

use std::sync::Arc;

use fiscaflow_core::ErrorCode;
use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::store::{DeliveryStep, SetAside};

use super::{World, stores};

#[tokio::test]
async fn relays_pass_over_what_is_sealed() {
    // Holds: a sink that is told of a book only after a seal is told what is not sealed; an event
    // that lay aside keeps its commit from being sealed, and where it may be lost it is forgotten,
    // be it that a relay was about to deliver it again.
    for url in stores() {
        let world = World::new(&url).await;
        let mut late = Scribe::new(1);
        world.write(&mut late, 2).await;
        world.write(&mut late, 1).await;
        let rest = world.write(&mut late, 2).await;
        let seal = late.sealing(&*world.store, 2, false).await;
        world.store.erase(Arc::new(seal)).await.unwrap();
        world.round().await;
        let told = world.sink.told_of(late.book_id);
        assert!(told.starts_with(&rest) && told.len() == rest.len() + 1, "and of the seal");

        let mut early = Scribe::new(2);
        let refused = world.write(&mut early, 1).await;
        world.write(&mut early, 1).await;
        world.sink.poison.lock().unwrap().extend(&refused);
        for _ in 0..6 {
            world.round().await;
            world.pass(4_000);
        }
        let aside = world.set_aside(&early).await;
        assert_eq!(aside.len(), 1);
        let seal = early.sealing(&*world.store, 1, false).await;
        let error = world.store.erase(Arc::new(seal)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Undelivered);
        let seal = early.sealing(&*world.store, 1, true).await;
        world.store.erase(Arc::new(seal)).await.unwrap();
        assert_eq!(world.set_aside(&early).await, []);
        // As a relay that had read it before would.
        let kept = world.kept(&early).await;
        let step = DeliveryStep {
            expected: kept.version,
            delivery: kept,
            put_aside: aside.into_iter().map(|it| SetAside { again: true, ..it }).collect(),
            taken_back: Vec::new(),
        };
        world.store.deliver(early.book_id, "hooks", Arc::new(step)).await.unwrap();
        world.sink.poison.lock().unwrap().clear();
        world.round().await;
        assert_eq!(world.set_aside(&early).await, []);
        assert!(!world.sink.told().contains(&refused[0]));
    }
}
