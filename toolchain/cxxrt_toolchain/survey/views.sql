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
  select w.*, coalesce(downloads, 1) as weight, row_number() over (order by project) as id
  from wheels w join version_order v using (project, version)
  where error is null
  qualify row_number() over (
    partition by project
    order by v.place desc, w.level = 'full' desc, w.platform like '%x86_64%' desc, w.filename desc
  ) = 1;

-- A library that a wheel needs from outside and a project has that its Requires-Dist names. What
-- only an extra requires is not installed with it.
create view brought as
  with lacking as (select filename, unnest(outside) as library from wheels),
  required as (
    select distinct filename, regexp_replace(
      lower(regexp_extract(requirement, '^[A-Za-z0-9._-]*[A-Za-z0-9]')), '[-_.]+', '-', 'g'
    ) as project
    from (
      select filename, unnest(requires_dist) as requirement from wheels where len(outside) > 0
    )
    where not regexp_matches(requirement, ';.*\bextra\b')
  ), provided as (
    select distinct w.project, coalesce(o.soname, regexp_extract(o.member, '[^/]*$')) as library
    from wheels w join objects o using (filename)
    where w.project in (select project from required)
  )
  select distinct l.filename, l.library, p.project
  from lacking l join required r using (filename)
  join provided p on p.project = r.project and p.library = l.library;

-- Whether a wheel keeps its promise together with the projects that it requires, and the libraries
-- from outside that none of them has, as far as they are surveyed. One wheel alone cannot tell: rule
-- P1 warns where a requirement may bring the library, and is an error where none can.
create view verdicts as
  with missing as (
    select filename, list(library order by library) as libraries
    from (select filename, unnest(outside) as library from newest)
    anti join brought using (filename, library) group by filename
  )
  select n.filename, n.project, n.conforms,
    coalesce(m.libraries, []) as missing,
    n.conforms or (n.errors = ['CXXRT-P1'] and m.libraries is null) as conforms_with_required
  from newest n left join missing m using (filename) where n.conforms is not null;

-- Libraries that other objects of their wheel need by a plain name, by content.
create view plain_libraries as
  with own as (select n.id, o.* from newest n join objects o using (filename)),
  needed as (select distinct id, unnest(needed) as soname from own)
  select distinct id, soname as name, coalesce(sha256, concat(crc, '-', size)) as content
  from own semi join needed using (id, soname)
  where family is null and not regexp_matches(soname, '[-_.][0-9a-f]{8}[.]');

-- What projects share, by `newest.id`. In a process that imports two of them, one that gives meets
-- one that takes, unless what they have is the same: `low` and `high` are the least and the greatest
-- content that a project has of it. One row each, so that pairs need not be kept to be counted.
create table shared as
  select *, kind in ('copies', 'soname') as mutual from (
    select 'copies' as kind, unnest(bundles) as what, id, true as gives, true as takes,
      null::varchar as low, null::varchar as high
    from newest
    union all
    select 'captured', 'libstdc++.so.6', id, coalesce(captures > 0, false),
      coalesce(list_contains(needs, 'libstdc++.so.6'), false), null, null
    from newest where captures > 0 or list_contains(needs, 'libstdc++.so.6')
    union all
    select 'exported', family, id, bool_or(exports), not bool_and(exports), null, null
    from (
      select id, unnest(exports) as family, true as exports from newest
      union all
      select id, regexp_extract(unnest(needs), '^(.*?)[.]so', 1), false from newest
    )
    group by id, family
    union all
    select 'soname', name, id, true, true, min(content), max(content)
    from plain_libraries group by id, name
  )
  qualify bool_or(gives) over (partition by kind, what)
    and bool_or(takes) over (partition by kind, what);

-- Symbols by the hashes of their names, with the least and the greatest content that defines them.
-- What more than 200 projects define is left out: it is in every C++ program, and its pairs are all
-- pairs.
create macro definitions(hashes) as table
  select id, symbol, min(content) as low, max(content) as high
  from (
    select n.id, unnest(hashes) as symbol, hash(o.crc, o.size) as content
    from newest n join objects o using (filename) where o.family is null
  )
  group by id, symbol
  qualify count(*) over (partition by symbol) between 2 and 200;

-- Symbols that the same projects define in the same contents, as one set of so many symbols.
create table shared_symbols as
  with defined as (
    select 'unique' as kind, * from definitions(unique_hashes)
    union all
    select 'definition', * from definitions(export_hashes)
  ), holders as (
    select kind, list({'id': id, 'low': low, 'high': high} order by id) as held
    from defined group by kind, symbol
  ), alike as (
    select kind, held, count(*) as symbols, row_number() over () as number
    from holders group by kind, held
  )
  select kind, number, symbols, unnest(held, recursive := true) from alike;

-- Pairs of projects that meet, of which the first is among some and the second among others (null:
-- among all): the kind, what they share, and the weight, which is the smaller number of downloads,
-- or 1 where none is known.
create macro met_between(ones, others) as table
  with pairs as (
    select a.kind, a.id as one, b.id as other, a.what, 0 as symbols
    from shared a join shared b on a.kind = b.kind and a.what = b.what
    where a.gives and b.takes and a.id <> b.id and (a.id < b.id or not a.mutual)
      and not coalesce(a.low = b.low and a.low = a.high and b.low = b.high, false)
      and (ones is null or list_contains(ones, a.id))
      and (others is null or list_contains(others, b.id))
    union all
    select a.kind, a.id, b.id, null, sum(a.symbols)
    from shared_symbols a join shared_symbols b on a.number = b.number and a.id < b.id
    where not (a.low = b.low and a.low = a.high and b.low = b.high)
      and (ones is null or list_contains(ones, a.id))
      and (others is null or list_contains(others, b.id))
    group by a.kind, a.id, b.id
  )
  select kind, one, other, least(a.weight, b.weight) as weight,
    coalesce(what, symbols || if(kind = 'unique', ' symbols', ' of a 64th')) as what
  from pairs join newest a on a.id = one join newest b on b.id = other;

create view collisions as
  select kind, a.project as one, b.project as other, what, m.weight
  from met_between(null, null) m join newest a on a.id = m.one join newest b on b.id = m.other;

-- How often a project meets others, by kind, and the sum of the weights. Counted without pairs where
-- all that give meet all that take: of those with the same content, the meetings are taken off.
create view meetings as
  with parts as (
    select kind, what, '' as part, 1 as sign, id, gives, takes, mutual from shared
    union all
    select kind, what, low, -1, id, gives, takes, mutual from shared where low = high
  ), counted as (
    select kind, id, sign, gives, takes, mutual, n.weight,
      count(*) filter (takes) over everybody as takers,
      count(*) filter (gives) over everybody as givers,
      count(*) filter (takes) over heavier as takers_above,
      count(*) filter (gives) over heavier as givers_above,
      coalesce(sum(n.weight) filter (takes) over lighter, 0) as taken_below,
      coalesce(sum(n.weight) filter (gives) over lighter, 0) as given_below
    from parts join newest n using (id)
    window everybody as (partition by kind, what, part),
      heavier as (
        partition by kind, what, part order by n.weight desc, id
        rows between unbounded preceding and 1 preceding
      ), lighter as (
        partition by kind, what, part order by n.weight desc, id
        rows between 1 following and unbounded following
      )
  ), both_roles as (
    select kind, id, sign, mutual, takers - takes::int as meetings,
      weight * takers_above + taken_below as weight
    from counted where gives
    union all
    select kind, id, sign, mutual, givers - gives::int, weight * givers_above + given_below
    from counted where takes and not mutual
  )
  select kind, id, sum(sign * meetings)::bigint as meetings, sum(sign * weight)::bigint as weight
  from both_roles group by kind, id having sum(sign * meetings) > 0
  union all
  select kind, id, count(*), sum(weight)::bigint
  from (
    select kind, unnest([one, other]) as id, weight from met_between(null, null)
    where kind in ('unique', 'definition')
  )
  group by kind, id;

create view unreadable as
  select split_part(error, ':', 1) as kind, count(*) as wheels, min(filename) as example
  from wheels where error is not null group by 1 order by 2 desc, 1;
