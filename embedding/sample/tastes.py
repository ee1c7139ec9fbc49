"""The twenty tastes of the made-up catalogue: what each one's texts speak of, in which words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Taste:
    """One taste; `things`, `places` and `moods` are English, for the packaged text encoder reads English.

    `nouns` gives three words for titles in each other language of the catalogue.
    """

    name: str
    things: tuple[str, ...]
    places: tuple[str, ...]
    moods: tuple[str, ...]
    nouns: dict[str, tuple[str, ...]]


def _taste(name: str, things: str, places: str, moods: str, sv: str, de: str, pt: str, ja: str) -> Taste:
    def words(text: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in text.split(","))

    nouns = {"sv": words(sv), "de": words(de), "pt-BR": words(pt), "ja": words(ja)}
    return Taste(name, words(things), words(places), words(moods), nouns)


TASTES = (
    _taste(
        "jazz",
        "saxophone solos, swing rhythms, muted trumpets, double bass lines, brushed drums, bebop phrases,"
        " big band horns, piano trios, blue notes, late night standards, improvised choruses, walking bass,"
        " ride cymbals, trombone sections, scat singing, modal harmony",
        "in a smoky jazz club, at a late jam session, on a bandstand",
        "swinging, smoky, cool",
        "saxofon, jazz, trumpet",
        "Saxofon, Jazz, Trompete",
        "saxofone, jazz, trompete",
        "サックス, ジャズ, トランペット",
    ),
    _taste(
        "techno",
        "analogue synthesisers, drum machines, four on the floor beats, acid bass lines, warehouse raves,"
        " strobe lights, modular racks, sub bass, sequencers, hi hats, filter sweeps, club sound systems,"
        " dance floors, vinyl turntables, electronic loops, minimal grooves",
        "in a concrete nightclub, at an all night rave, behind the decks",
        "pulsing, hypnotic, electronic",
        "techno, synt, klubb",
        "Techno, Synthesizer, Klubnacht",
        "techno, sintetizador, pista de dança",
        "テクノ, シンセサイザー, クラブ",
    ),
    _taste(
        "folk ballads",
        "fiddle tunes, acoustic guitars, village ballads, banjo picking, shepherd songs, close harmony singing,"
        " accordion reels, traditional verses, fireside singing, tin whistles, harvest dances, mandolins,"
        " wandering minstrels, barn dances, spinning songs, old country airs",
        "around a village fire, at a country fair, in a mountain cottage",
        "rustic, homespun, acoustic",
        "folkvisa, fiol, dragspel",
        "Volkslied, Geige, Akkordeon",
        "canção popular, rabeca, sanfona",
        "民謡, フィドル, アコーディオン",
    ),
    _taste(
        "heavy metal",
        "distorted guitars, double kick drums, power chords, screaming vocals, guitar riffs, mosh pits,"
        " leather and studs, amplifier stacks, thrash tempos, doom riffs, headbanging crowds, shredding solos,"
        " growling voices, palm muted chords, blast beats, iron and thunder",
        "on a roaring stage, in a packed arena, in front of a wall of amplifiers",
        "thunderous, brutal, loud",
        "hårdrock, gitarriff, åska",
        "Metal, Gitarrenriff, Donner",
        "metal pesado, guitarra, trovão",
        "メタル, ギターリフ, 雷",
    ),
    _taste(
        "opera",
        "soprano arias, tenor duets, grand overtures, orchestra pits, libretti, coloratura singing, stage curtains,"
        " mezzo voices, tragic heroines, choruses in costume, recitatives, conductors, baritone villains,"
        " velvet boxes, bel canto lines, final acts",
        "at the opera house, in the royal box, behind the stage curtain",
        "dramatic, operatic, grand",
        "opera, aria, sopran",
        "Oper, Arie, Sopran",
        "ópera, ária, soprano",
        "オペラ, アリア, ソプラノ",
    ),
    _taste(
        "hip hop",
        "rap verses, freestyle battles, boom bap beats, turntable scratches, sampled loops, street rhymes,"
        " microphones, breakdance circles, graffiti walls, rhyme schemes, beat makers, cyphers, punchlines,"
        " flow and delivery, block parties, mixtapes",
        "on a city corner, at a block party, in a basement studio",
        "streetwise, rhyming, urban",
        "rap, hiphop, rim",
        "Rap, Hip-Hop, Reime",
        "rap, hip hop, rima",
        "ラップ, ヒップホップ, 韻",
    ),
    _taste(
        "reggae",
        "offbeat guitar skanks, dub echoes, island rhythms, roots riddims, steel drums, bass and drum grooves,"
        " sound system parties, ska horns, rocksteady songs, dancehall toasting, sunshine and palm trees,"
        " one drop beats, dub plates, organ bubbles, lovers rock, Caribbean summers",
        "on a Caribbean beach, beside a towering sound system, under palm trees",
        "sunny, laid back, dubby",
        "reggae, strand, dub",
        "Reggae, Strand, Dub",
        "reggae, praia, dub",
        "レゲエ, ビーチ, ダブ",
    ),
    _taste(
        "flamenco",
        "Spanish guitars, castanets, flamenco dancers, hand clapping, passionate laments, stamping heels,"
        " ruffled dresses, Andalusian scales, strummed rasgueado, cante jondo, bulerias, travelling players,"
        " tablao nights, rolling tremolo, shouts of encouragement, soleares",
        "in an Andalusian courtyard, in a white village of the south, at a tablao",
        "fiery, Andalusian, passionate",
        "flamenco, kastanjetter, dans",
        "Flamenco, Kastagnetten, Tanz",
        "flamenco, castanholas, violão espanhol",
        "フラメンコ, カスタネット, 踊り",
    ),
    _taste(
        "true crime",
        "murder investigations, cold cases, forensic evidence, detectives, missing persons, courtroom verdicts,"
        " suspects and alibis, crime scenes, police interviews, fingerprints, serial killers, witnesses,"
        " bank robberies, prison sentences, stolen identities, unsolved killings",
        "at the crime scene, inside the courtroom, in the police archive",
        "chilling, sinister, criminal",
        "mord, brott, polis",
        "Mord, Verbrechen, Polizei",
        "crime, assassinato, polícia",
        "殺人事件, 犯罪, 警察",
    ),
    _taste(
        "astronomy",
        "distant galaxies, black holes, space telescopes, red giants, exoplanets, meteor showers, comets, nebulae,"
        " dark matter, planetary orbits, rocket launches, the rings of Saturn, supernova explosions, the Milky Way,"
        " lunar craters, cosmic radiation",
        "at the observatory, under a clear night sky, aboard a space station",
        "cosmic, starry, celestial",
        "rymden, stjärnor, planeter",
        "Weltraum, Sterne, Planeten",
        "espaço, estrelas, planetas",
        "宇宙, 星, 惑星",
    ),
    _taste(
        "cooking",
        "slow roasted vegetables, sourdough bread, pasta sauces, kitchen knives, simmering stews, baking ovens,"
        " fresh herbs, olive oil and garlic, chocolate desserts, family recipes, spice mixtures, soups and broths,"
        " pastry dough, grilled fish, pickles and preserves, breakfast pancakes",
        "in a busy restaurant kitchen, at the stove, around the dinner table",
        "savoury, delicious, spicy",
        "mat, bröd, kryddor",
        "Kochen, Brot, Gewürze",
        "cozinha, pão, temperos",
        "料理, パン, スパイス",
    ),
    _taste(
        "football",
        "penalty kicks, goalkeepers, league tables, midfield passing, transfer rumours, cup finals, offside decisions,"
        " stadium chants, free kicks, half time talks, strikers, relegation battles, derby matches, referees,"
        " injury time goals, training grounds",
        "at the stadium, in the dressing room, on the pitch",
        "goal hungry, sporting, cheering",
        "fotboll, mål, matchen",
        "Fußball, Tore, das Spiel",
        "futebol, gols, o jogo",
        "サッカー, ゴール, 試合",
    ),
    _taste(
        "gardening",
        "tomato seedlings, compost heaps, rose bushes, greenhouse plants, pruning shears, flower beds, lawn mowing,"
        " vegetable patches, spring bulbs, garden soil, watering cans, hedges and shrubs, slugs and snails,"
        " fruit trees, weeds and mulch, potting sheds",
        "in the greenhouse, at the bottom of the garden, among the flower beds",
        "leafy, blooming, green fingered",
        "trädgård, rosor, tomater",
        "Garten, Rosen, Tomaten",
        "jardim, rosas, tomates",
        "庭, バラ, トマト",
    ),
    _taste(
        "sailing",
        "mainsails and jibs, harbour moorings, tidal currents, ocean crossings, sailing boats, knots and ropes,"
        " storms at sea, lighthouses, yacht races, anchors, nautical charts, trade winds, keels and rudders,"
        " night watches, spinnakers, rolling waves",
        "on the open sea, at the harbour wall, on deck in a gale",
        "salty, windswept, seafaring",
        "segling, havet, båtar",
        "Segeln, das Meer, Boote",
        "vela, o mar, barcos",
        "ヨット, 海, 船",
    ),
    _taste(
        "cycling",
        "mountain passes, racing bicycles, the peloton, time trials, gears and chains, breakaway riders,"
        " sprint finishes, gravel roads, pedal cadence, carbon wheels, punctured tyres, climbing stages,"
        " handlebars, bike touring, cobbled classics, velodromes",
        "on a steep climb, in the bunch, at the finish line of the stage",
        "pedalling, breathless, uphill",
        "cykel, cykling, bergsetapp",
        "Fahrrad, Radrennen, Bergetappe",
        "bicicleta, ciclismo, pedal",
        "自転車, サイクリング, 峠",
    ),
    _taste(
        "chess",
        "opening gambits, endgame studies, checkmate patterns, knight forks, pawn structures, chess clocks,"
        " the Sicilian defence, bishops and rooks, world championship matches, queen sacrifices, castling,"
        " grandmasters, blitz games, positional play, stalemate tricks, chess engines",
        "across the chessboard, in the tournament hall, at the chess café",
        "calculating, strategic, cunning",
        "schack, schackmatt, drottning",
        "Schach, Schachmatt, Dame und Turm",
        "xadrez, xeque-mate, rainha e torre",
        "チェス, 詰み, 定跡",
    ),
    _taste(
        "investing",
        "stock markets, interest rates, pension funds, index funds, inflation figures, government bonds, dividends,"
        " central banks, household budgets, mortgages, venture capital, balance sheets, taxes and savings,"
        " hedge funds, quarterly earnings, currency trading",
        "on the trading floor, at the bank, in the boardroom",
        "financial, thrifty, profitable",
        "aktier, räntor, sparande",
        "Aktien, Zinsen, Sparen",
        "ações, juros, poupança",
        "株式, 金利, 貯金",
    ),
    _taste(
        "medieval history",
        "knights in armour, castle sieges, feudal lords, monasteries, crusades, plague years, royal successions,"
        " illuminated manuscripts, Viking raids, tournaments and jousting, peasant revolts, cathedral builders,"
        " longbows, medieval guilds, swords and shields, coronations",
        "behind castle walls, in a medieval abbey, on the battlefield",
        "medieval, chivalrous, feudal",
        "riddare, medeltiden, borgar",
        "Ritter, Mittelalter, Burgen",
        "cavaleiros, idade média, castelos",
        "騎士, 中世, 城",
    ),
    _taste(
        "sleep and meditation",
        "guided breathing, mindfulness exercises, gentle rain sounds, bedtime relaxation, body scans, calm thoughts,"
        " yoga nidra, soft humming bowls, letting go of stress, quiet visualisations, deep sleep, inner peace,"
        " slow exhalations, white noise, resting the mind, evening stillness",
        "on a soft pillow, in a quiet meditation room, before falling asleep",
        "soothing, sleepy, tranquil",
        "sömn, lugn, andning",
        "Schlaf, Ruhe, Atem",
        "sono, calma, respiração",
        "睡眠, 瞑想, 呼吸",
    ),
    _taste(
        "wildlife",
        "migrating birds, wolf packs, rainforest animals, elephants and lions, nesting owls, coral reef fish,"
        " bears in winter, endangered species, animal tracks, frogs and insects, whales and dolphins, birdsong,"
        " foxes and badgers, national parks, camera traps, savannah herds",
        "deep in the forest, on safari, from a bird hide",
        "wild, feathered, untamed",
        "fåglar, djur, vargar",
        "Vögel, Tiere, Wölfe",
        "pássaros, animais, lobos",
        "野鳥, 動物, 狼",
    ),
)
