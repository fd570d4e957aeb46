-- Tables and policies for the conformance suite and the client contract: run when the roles and realtime.messages exist.
create schema auth;
grant usage on schema public, auth to anon, authenticated, service_role;
create function auth.uid() returns uuid language sql stable
  return (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid;

create table process_events (n int primary key, process_id int not null, title text, data jsonb);
create table articles (id int primary key, title text, words int);
create table marks (id int generated always as identity primary key);
create table owned (id int primary key, owner uuid, public boolean not null default false);

alter table owned enable row level security;
create policy own on owned for select to authenticated using (owner = auth.uid());
create policy shown on owned for select to anon using (public);
grant select on process_events, articles, marks, owned to anon, authenticated, service_role;
create publication supabase_realtime for table process_events, articles, marks, owned;

create policy hear on realtime.messages for select to authenticated using (realtime.topic() like 'team:%');
create policy speak on realtime.messages for insert to authenticated with check (realtime.topic() like 'team:%');
