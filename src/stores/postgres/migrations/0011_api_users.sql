-- API users: a person or a program with one key. The key is a row of api_keys whose user_id is the
-- id here.
CREATE TABLE api_users (
  id          text COLLATE "C" PRIMARY KEY,
  name        text NOT NULL,
  email       text,
  role        text NOT NULL CHECK (role IN ('user', 'admin')),
  is_active   boolean NOT NULL DEFAULT true,
  created_at  timestamptz(3) NOT NULL,
  updated_at  timestamptz(3) NOT NULL
);
