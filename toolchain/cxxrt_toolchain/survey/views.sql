-- Views over the rows of a survey. `names` and `full` are the Parquet files of the two levels,
-- `version_order` the versions of each project in their order (PEP 440, which SQL does not know).

-- One row of each wheel, of the deepest level that it was surveyed at.
create view wheels as
  select * from full_wheels
  union all by name
  select * from names_wheels where filename not in (select filename from full_wheels);

create view objects as
  select * from full_objects
  union all by name
  select * from names_objects where filename not in (select filename from full_wheels);

-- Of each project one wheel of its newest version: a deep row, x86_64, the newest Python.
create table newest as
  select w.*, row_number() over (order by project) as id
  from wheels w join version_order v using (project, version)
  where error is null
  qualify row_number() over (
    partition by project
    order by v.place desc, w.level = 'full' desc, w.platform like '%x86_64%' desc, w.filename desc
  ) = 1;

-- A library that a wheel needs from outside and a project has that its Requires-Dist names.
create view brought as
  with provided as (
    select distinct w.project, coalesce(o.soname, regexp_extract(o.member, '[^/]*$')) as library
    from wheels w join objects o using (filename)
  ), required as (
    select distinct filename, regexp_replace(
      lower(regexp_extract(unnest(requires_dist), '^[A-Za-z0-9._-]*[A-Za-z0-9]')), '[-_.]+', '-', 'g'
    ) as project
    from wheels
  ), lacking as (select filename, unnest(outside) as library from wheels)
  select distinct l.filename, l.library, p.project
  from lacking l join required r using (filename)
  join provided p on p.project = r.project and p.library = l.library;

-- Whether a wheel keeps its promise together with the projects that it requires.
create view verdicts as
  select n.filename, n.project, n.conforms,
    n.conforms or (
      n.errors = ['CXXRT-P1']
      and not exists (
        select 1 from (select unnest(n.outside) as library) l
        where l.library not in (select b.library from brought b where b.filename = n.filename)
      )
    ) as conforms_with_required
  from newest n where n.conforms is not null;

-- Libraries that other objects of their wheel need by a plain name, by content.
create view plain_libraries as
  select distinct n.id, n.downloads, o.soname as name,
    coalesce(o.sha256, concat(o.crc, '-', o.size)) as content
  from newest n join objects o using (filename)
  where o.soname is not null and o.family is null
    and not regexp_matches(o.soname, '[-_.][0-9a-f]{8}[.]')
    and exists (
      select 1 from objects x where x.filename = o.filename and list_contains(x.needed, o.soname)
    );

-- Symbols by the hashes of their names, with the least and the greatest content that defines them.
-- What more than 200 projects define is left out: it is in every C++ program, and its pairs are all
-- pairs.
create macro definitions(hashes) as table
  select id, any_value(downloads) as downloads, symbol, min(content) as low, max(content) as high
  from (
    select n.id, n.downloads, unnest(hashes) as symbol, hash(o.crc, o.size) as content
    from newest n join objects o using (filename) where o.family is null
  )
  group by id, symbol
  qualify count(*) over (partition by symbol) between 2 and 200;

-- Pairs of projects that meet in a process, by `newest.id`, the kind, what they share, and how often
-- at most: the smaller of the two numbers of downloads. A report makes a table of it, once.
create view met as
  with held as (select id, downloads, unnest(bundles) as family from newest),
  exporting as (select id, downloads, unnest(exports) as family from newest),
  needing as (
    select id, downloads, library, split_part(library, '.so', 1) as family
    from (select id, downloads, unnest(needs) as library from newest) where library like '%.so%'
  )
  select 'copies' as kind, a.id as one, b.id as other, a.family as what,
    least(a.downloads, b.downloads) as weight
  from held a join held b on a.family = b.family and a.id < b.id
  union all
  select 'captured', a.id, b.id, b.library, least(a.downloads, b.downloads)
  from newest a join needing b
    on a.captures > 0 and b.library = 'libstdc++.so.6' and a.id <> b.id
  union all
  select 'exported', a.id, b.id, a.family, least(a.downloads, b.downloads)
  from exporting a join needing b
    on a.family = b.family and a.id <> b.id
  union all
  select 'soname', a.id, b.id, a.name, min(least(a.downloads, b.downloads))
  from plain_libraries a join plain_libraries b
    on a.name = b.name and a.id < b.id and a.content <> b.content
  group by all
  union all
  select 'unique', a.id, b.id, count(*) || ' symbols', min(least(a.downloads, b.downloads))
  from definitions(unique_hashes) a join definitions(unique_hashes) b
    on a.symbol = b.symbol and a.id < b.id
    and not (a.low = b.low and b.low = a.high and a.high = b.high)
  group by a.id, b.id
  union all
  select 'definition', a.id, b.id, count(*) || ' of a 64th', min(least(a.downloads, b.downloads))
  from definitions(export_hashes) a join definitions(export_hashes) b
    on a.symbol = b.symbol and a.id < b.id
    and not (a.low = b.low and b.low = a.high and a.high = b.high)
  group by a.id, b.id;

-- The same by names.
create view collisions as
  select kind, a.project as one, b.project as other, what, weight
  from met join newest a on a.id = met.one join newest b on b.id = met.other;

-- Projects in most collisions; those that need RTLD_GLOBAL do not count.
create view culprits as
  with both_ways as (
    select one as id, other as partner, kind, weight from met where kind <> 'definition'
    union all
    select other, one, kind, weight from met where kind <> 'definition'
  ), partners as (
    select id, partner, sum(coalesce(weight, 1)) as weight from both_ways group by all
  ), kinds as (
    select id, string_agg(kind, ', ' order by kind) as kinds
    from (select distinct id, kind from both_ways) group by id
  )
  select project, count(*) as partners, any_value(kinds) as kinds, sum(p.weight) as weight
  from partners p join kinds using (id) join newest using (id) group by project
  order by 4 desc, 2 desc, 1;

create view unreadable as
  select split_part(error, ':', 1) as kind, count(*) as wheels
  from wheels where error is not null group by 1 order by 2 desc, 1;
