-- Signed webhooks (docs/decisions/0046): endpoints, and what became of the events that were sent to
-- them. The sealed order of the audit events is the outbox, so a change writes nothing here.
--
-- position  Place in the sealed order. Everything up to it is settled for this endpoint.
-- secret and previous_secret  Sealed under the pepper of the column beside it.
-- failing_since  Time of the first failure since the last delivery.
-- served_by and served_until  Lease of the worker that sends to the endpoint now. Two at once would
-- mix up the order.
CREATE TABLE webhooks (
  id                  text COLLATE "C" PRIMARY KEY,
  url                 text NOT NULL,
  types               text[] NOT NULL,
  organization_id     text COLLATE "C",
  description         text,
  enabled             boolean NOT NULL,
  disabled_reason     text,
  disabled_at         timestamptz(3),
  secret              bytea NOT NULL,
  pepper_id           text COLLATE "C" NOT NULL,
  previous_secret     bytea,
  previous_pepper_id  text COLLATE "C",
  previous_until      timestamptz(3),
  position            bigint NOT NULL,
  failing_since       timestamptz(3),
  last_delivered_at   timestamptz(3),
  served_by           text,
  served_until        timestamptz(3),
  created_at          timestamptz(3) NOT NULL,
  updated_at          timestamptz(3) NOT NULL
);

-- One row for an event that was tried at an endpoint, or is to be sent again. The event itself is
-- in audit_events.
--
-- seq  The event's place in the sealed order. Null for a test, which waits for no seal.
-- is_replay  Sent again on demand, beside the order of the new events.
CREATE TABLE webhook_deliveries (
  webhook_id       text COLLATE "C" NOT NULL,
  event_id         text COLLATE "C" NOT NULL,
  seq              bigint,
  status           text NOT NULL CHECK (status IN ('pending', 'delivered', 'dead')),
  is_replay        boolean NOT NULL DEFAULT false,
  attempts         integer NOT NULL DEFAULT 0,
  next_attempt_at  timestamptz(3),
  last_attempt_at  timestamptz(3),
  answer_status    integer,
  answer_body      text,
  fault            text,
  duration_ms      integer,
  PRIMARY KEY (webhook_id, event_id)
);

-- What is to be sent, in order.
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook_id, is_replay, seq)
  WHERE status = 'pending';
-- Dead letters are listed by themselves, and are few among the delivered ones.
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (webhook_id, event_id)
  WHERE status = 'dead';
