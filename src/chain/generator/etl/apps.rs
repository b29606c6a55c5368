//! Developer apps and grants: whose key may sign for whom.

use serde_json::{Value, json};

use crate::chain::generator::facts::Fact;
use crate::chain::generator::world::{Account, App, Call, Grant, World};

pub(super) fn create(world: &mut World) -> Option<Call> {
    let owner = world.user()?;
    let key = world.new_key();
    let message = format!("Creating Audius developer app at {}", world.now);
    let mut data = described(world);
    data["address"] = key.lower().into();
    data["is_personal_access"] = world.random.chance(100).into();
    data["app_signature"] = json!({ "message": message, "signature": key.sign_text(&message) });
    world.apps.add(App { key, owner });
    Some(Call::by(owner, ("DeveloperApp", "Create"), 0, data.to_string()))
}

pub(super) fn update(world: &mut World) -> Option<Call> {
    let app = world.apps.pick(&mut world.random)?;
    let mut data = described(world);
    data["address"] = app.key.lower().into();
    Some(Call::by(app.owner, ("DeveloperApp", "Update"), 0, data.to_string()))
}

fn described(world: &mut World) -> Value {
    let random = &mut world.random;
    let mut data = json!({ "name": random.name(), "description": random.words(2, 10) });
    if random.chance(300) {
        data["image_url"] = "https://images.example.com/app.png".into();
    }
    if random.chance(300) {
        let host = random.hex::<4>();
        data["redirect_uris"] = json!([format!("https://{host}.example.com/back")]);
    }
    data
}

pub(super) fn delete(world: &mut World) -> Option<Call> {
    let app = world.apps.take(&mut world.random)?;
    let data = json!({ "address": app.key.lower() });
    Some(Call::by(app.owner, ("DeveloperApp", "Delete"), 0, data.to_string()))
}

/// A grant to an app, which may sign at once, or to a manager, who is asked first. A pair has one for
/// all time: which of several counts is not defined.
pub(super) fn grant(world: &mut World) -> Option<Call> {
    let grantor = world.user()?;
    let (grantee, manager) = if world.random.chance(450) {
        (world.apps.pick(&mut world.random)?.key, None)
    } else {
        let manager = world.user().filter(|manager| *manager != grantor)?;
        (manager.key, Some(manager))
    };
    let number = i64::try_from(grantee.number()).ok()?;
    if !world.facts.note(Fact("Grant", grantor.id, number)) {
        return None;
    }
    world.grants.add(Grant { grantor, grantee, manager, usable: manager.is_none() });
    let data = json!({ "grantee_address": grantee.text() });
    Some(Call::by(grantor, ("Grant", "Create"), 0, data.to_string()))
}

pub(super) fn revoke(world: &mut World) -> Option<Call> {
    let grant = world.grants.take_if(&mut world.random, |grant| grant.usable)?;
    let data = json!({ "grantee_address": grant.grantee.lower() });
    let call = Call::by(grant.grantor, ("Grant", "Delete"), 0, data.to_string());
    // Managers may give the right back themselves.
    let by_manager = grant.manager.is_some() && world.random.chance(400);
    Some(if by_manager { call.signed_by(grant.grantee) } else { call })
}

/// A manager takes (`Approve`) or declines (`Reject`) what is offered.
pub(super) fn answer(world: &mut World, action: &'static str) -> Option<Call> {
    let open = |grant: &Grant| grant.manager.is_some() && !grant.usable;
    let grant = world.grants.take_if(&mut world.random, open)?;
    let manager: Account = grant.manager?;
    if action == "Approve" {
        world.grants.add(Grant { usable: true, ..grant });
    }
    let data = json!({
        "grantor_user_id": grant.grantor.id,
        "grantee_address": grant.grantee.lower(),
    });
    Some(Call::by(manager, ("Grant", action), 0, data.to_string()))
}
