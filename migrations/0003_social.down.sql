-- Only for a database on which the up migration created everything.

DROP TABLE IF EXISTS user_challenges;
DROP TABLE IF EXISTS challenges;
DROP TABLE IF EXISTS supporter_rank_ups;
DROP TABLE IF EXISTS reactions;
DROP TABLE IF EXISTS user_tips;
DROP TABLE IF EXISTS notification_seen;
DROP TABLE IF EXISTS notification;
DROP TABLE IF EXISTS reported_comments;
DROP TABLE IF EXISTS comment_notification_settings;
DROP TABLE IF EXISTS comment_reports;
DROP TABLE IF EXISTS comment_reactions;
DROP TABLE IF EXISTS comment_mentions;
DROP TABLE IF EXISTS comment_threads;
DROP TABLE IF EXISTS comments;
DROP TABLE IF EXISTS muted_users;
DROP TABLE IF EXISTS shares;
DROP TABLE IF EXISTS subscriptions;
DROP TABLE IF EXISTS reposts;
DROP TABLE IF EXISTS saves;
DROP TABLE IF EXISTS follows;
DROP TYPE IF EXISTS challengetype;
DROP TYPE IF EXISTS sharetype;
DROP TYPE IF EXISTS reposttype;
DROP TYPE IF EXISTS savetype;
