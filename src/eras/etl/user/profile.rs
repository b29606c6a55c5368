//! What metadata may set of a profile (users.md 1.1, 1.2).

use crate::{eras::etl::Metadata, model::tables::User, rules::unicode::go_lower};

/// The user with the texts and the library of the metadata. What is absent, empty or of another type
/// leaves the column as it is: a new user's is NULL, and no text that is set is ever cleared.
pub(super) fn applied(mut user: User, meta: &Metadata<'_>) -> User {
    let columns = [
        ("handle", &mut user.handle),
        ("name", &mut user.name),
        ("bio", &mut user.bio),
        ("location", &mut user.location),
        ("profile_picture", &mut user.profile_picture),
        ("profile_picture_sizes", &mut user.profile_picture_sizes),
        ("cover_photo", &mut user.cover_photo),
        ("cover_photo_sizes", &mut user.cover_photo_sizes),
        ("website", &mut user.website),
        ("donation", &mut user.donation),
        ("spl_usdc_payout_wallet", &mut user.spl_usdc_payout_wallet),
        ("coin_flair_mint", &mut user.coin_flair_mint),
    ];
    for (key, column) in columns {
        set(column, meta.filled(key));
    }
    set_platform_handles(&mut user, meta);
    // Parity: of the handle that results, whether or not it was sent.
    if let Some(handle) = &user.handle {
        user.handle_lc = Some(go_lower(handle));
    }
    // The one label of the column's type; another text counts as absent.
    set(&mut user.profile_type, meta.filled("profile_type").filter(|label| *label == "label"));
    if let Some(library) = meta.json("playlist_library") {
        user.playlist_library = Some(library);
    }
    user
}

/// Sets the handles on other platforms.
pub(super) fn set_platform_handles(user: &mut User, meta: &Metadata<'_>) {
    set(&mut user.twitter_handle, meta.filled("twitter_handle"));
    set(&mut user.instagram_handle, meta.filled("instagram_handle"));
    set(&mut user.tiktok_handle, meta.filled("tiktok_handle"));
}

fn set(column: &mut Option<String>, text: Option<&str>) {
    if let Some(text) = text {
        *column = Some(text.to_owned());
    }
}
