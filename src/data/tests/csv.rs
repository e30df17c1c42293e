use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::data::csv::{Options, parse};
use crate::data::{InputShape, Targets};

const AUTO: Options<'static> = Options {
    target: "",
    task: "auto",
    header: "auto",
    separator: "auto",
};

fn table(text: &str, options: &Options<'_>) -> Result<Dataset, DataError> {
    parse(text.as_bytes(), Path::new("table.csv"), options)
}

fn good(text: &str) -> Dataset {
    table(text, &AUTO).unwrap()
}

#[track_caller]
fn bad(text: &str, options: &Options<'_>) -> String {
    table(text, options).unwrap_err().to_string()
}

#[test]
fn classes_with_a_header() {
    let dataset = good("width,height,kind\n1,2.5,setosa\n-3,4e-1,virginica\n5,6,setosa\n");
    assert_eq!(dataset.inputs, [1.0, 2.5, -3.0, 0.4, 5.0, 6.0]);
    assert_eq!(dataset.shape, InputShape::Vector(2));
    assert_eq!(dataset.feature_names, ["width", "height"]);
    assert_eq!(dataset.class_names(), ["setosa", "virginica"]);
    assert_eq!(dataset.labels().unwrap(), [0, 1, 0]);
}

#[test]
fn classes_without_a_header() {
    let dataset = good("1,2,a\n3,4,b\n5,6,a");
    assert_eq!(dataset.len(), 3);
    assert_eq!(dataset.feature_names, ["column 1", "column 2"]);
    let dataset = good("x,y\n1,a\n");
    assert_eq!(dataset.len(), 1, "a word above a number is a header");
}

#[test]
fn numbered_classes_keep_their_order() {
    let dataset = good("0.5,10\n0.5,2\n0.5,10\n0.5,-1\n");
    assert_eq!(dataset.class_names(), ["-1", "2", "10"]);
    assert_eq!(dataset.labels().unwrap(), [2, 1, 2, 0]);
    let dataset = good("0.5,1\n0.5,1.0\n0.5,2\n0.5,0\n0.5,-0\n");
    assert_eq!(dataset.class_names(), ["0", "1", "2"]);
    assert_eq!(dataset.labels().unwrap(), [1, 1, 2, 0, 0]);
}

#[test]
fn regression_and_the_choice_of_the_task() {
    let dataset = good("x,y\n1,0.5\n2,1.5\n");
    assert_eq!(
        dataset.targets,
        Targets::Values {
            values: vec![0.5, 1.5],
            dims: 1
        }
    );
    let numbers: String = (0..30).map(|n| format!("1,{n}\n")).collect();
    assert!(good(&numbers).labels().is_none(), "30 whole numbers");
    let regression = Options {
        task: "regression",
        ..AUTO
    };
    assert!(
        table("1,0\n2,1\n3,1\n", &regression)
            .unwrap()
            .labels()
            .is_none()
    );
    let classification = Options {
        task: "classification",
        ..AUTO
    };
    let dataset = table("1,0.5\n2,1.5\n3,0.5\n", &classification).unwrap();
    assert_eq!(dataset.class_names(), ["0.5", "1.5"]);
}

#[test]
fn the_target_by_name_or_number() {
    let text = "y,a,3\n1.5,2,3\n4.5,5,6\n";
    for (target, values, features) in [
        ("y", [1.5, 4.5], ["a", "3"]),
        ("1", [1.5, 4.5], ["a", "3"]),
        ("2", [2.0, 5.0], ["y", "3"]),
        ("3", [3.0, 6.0], ["y", "a"]),
        ("", [3.0, 6.0], ["y", "a"]),
    ] {
        let options = Options {
            target,
            task: "regression",
            header: "yes",
            ..AUTO
        };
        let dataset = table(text, &options).unwrap();
        assert_eq!(
            dataset.targets,
            Targets::Values {
                values: values.to_vec(),
                dims: 1
            }
        );
        assert_eq!(dataset.feature_names, features);
    }
    let target = |target| Options { target, ..AUTO };
    assert_eq!(
        bad("label,a,b\n1,2,3\n", &target("lable")),
        "table.csv: there is no column lable, expected a number from 1 to 3 or one of label, a, \
         b; did you mean label?"
    );
    assert_eq!(
        bad("1,2,3\n", &target("4")),
        "table.csv: there is no column 4, expected a number from 1 to 3 or one of column 1, \
         column 2, column 3"
    );
}

#[test]
fn separators_quotes_spaces_and_byte_order_marks() {
    for text in [
        "a;b;c\n1;2;x\n3;4;y\n",
        "a\tb\tc\n1\t2\tx\n3\t4\ty\n",
        "\u{feff}a,b,c\r\n1, 2 ,x\r\n\r\n3,4,y\r\n",
        "\"a\",\"b\",\"c\"\n\"1\",2,\"x\"\n3,4,y",
    ] {
        let dataset = good(text);
        assert_eq!(dataset.inputs, [1.0, 2.0, 3.0, 4.0], "{text:?}");
        assert_eq!(dataset.feature_names, ["a", "b"]);
        assert_eq!(dataset.class_names(), ["x", "y"]);
    }
    let semicolon = Options {
        separator: "semicolon",
        ..AUTO
    };
    assert_eq!(
        table("1;a,b\n2;c\n", &semicolon).unwrap().class_names()[0],
        "a,b"
    );
}

#[test]
fn cells_that_are_no_numbers() {
    assert_eq!(
        bad("a,b,c\n1,2,x\n3,red,y\n", &AUTO),
        "table.csv, line 3: column 2 (b) is \"red\", expected a finite number"
    );
    assert_eq!(
        bad("1,2,x\n,4,y\n", &AUTO),
        "table.csv, line 2: column 1 is empty, expected a finite number"
    );
    assert_eq!(
        bad("1,2,x\n3,nan,y\n", &AUTO),
        "table.csv, line 2: column 2 is \"nan\", expected a finite number"
    );
    assert_eq!(
        bad(
            "1,inf,x\n3,4,y\n",
            &Options {
                header: "no",
                ..AUTO
            }
        ),
        "table.csv, line 1: column 2 is \"inf\", expected a finite number"
    );
    assert_eq!(
        bad("a,y\n1,0.5\n2,oops\n", &AUTO),
        "table.csv, line 3: column 2 (y) is \"oops\", expected a finite number"
    );
    assert_eq!(
        bad("a,y\n1,x\n2,\n", &AUTO),
        "table.csv, line 3: column 2 (y) is empty, expected a class"
    );
}

#[test]
fn tables_of_a_wrong_shape() {
    assert_eq!(
        bad("1,2,x\n\n3,y\n", &AUTO),
        "table.csv, line 3: the line has 2 columns, expected 3 as in the first line"
    );
    assert_eq!(
        bad("\u{feff}a,b\r\n\r\n1,2\r\n3,4,5\r\n", &AUTO),
        "table.csv, line 4: the line has 3 columns, expected 2 as in the first line"
    );
    assert_eq!(
        bad("", &AUTO),
        "table.csv: the file is empty, expected a table"
    );
    assert_eq!(
        bad("a,b,c\n", &AUTO),
        "table.csv: the table has a header but no samples, expected one sample a line"
    );
    assert_eq!(
        bad("1\n2\n", &AUTO),
        "table.csv: the table has one column, expected at least one feature and the target"
    );
    let bytes = parse(b"1,2,x\n3,\xff,y\n", Path::new("table.csv"), &AUTO);
    assert_eq!(
        bytes.unwrap_err().to_string(),
        "table.csv, line 2: this is not UTF-8 text"
    );
}

#[test]
fn files_plain_and_gzipped() {
    let folder = tempfile::tempdir().unwrap();
    let text = "x,y,kind\n1,2,a\n3,4,b\n5,6,a\n7,8,b\n";
    std::fs::write(folder.path().join("plain.csv"), text).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    let zipped = encoder.finish().unwrap();
    std::fs::write(folder.path().join("zipped.csv.gz"), &zipped).unwrap();
    std::fs::write(
        folder.path().join("broken.csv.gz"),
        &zipped[..zipped.len() / 2],
    )
    .unwrap();

    let of = |name: &str| {
        let component = component("csv")
            .with("path", name)
            .with("validation_fraction", 0.5);
        prepare(&component, 0, folder.path())
    };
    let plain = of("plain.csv").unwrap();
    assert_eq!(plain.train.class_counts(), [1, 1]);
    assert_eq!(plain.validation.as_ref().unwrap().class_counts(), [1, 1]);
    assert_eq!(of("zipped.csv.gz").unwrap(), plain);
    let message = sentence(of("broken.csv.gz"), folder.path());
    assert!(
        message.starts_with("broken.csv.gz: this gzip file is damaged: "),
        "{message}"
    );
    let message = sentence(of("absent.csv"), folder.path());
    assert!(
        message.starts_with("absent.csv cannot be read: "),
        "{message}"
    );

    std::fs::write(folder.path().join("same.csv"), "x,kind\n1,a\n2,a\n3,a\n").unwrap();
    assert_eq!(
        sentence(of("same.csv"), folder.path()),
        "all samples are of the class a, expected at least two classes"
    );
    std::fs::write(folder.path().join("numbers.csv"), "1,0.5\n2,1.5\n3,0.5\n").unwrap();
    let noisy = component("csv")
        .with("path", "numbers.csv")
        .with("label_noise", 0.5);
    assert_eq!(
        sentence(prepare(&noisy, 0, folder.path()), folder.path()),
        "data.label_noise needs classes, but the targets of this data set are numbers"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        bytes in any::<Vec<u8>>(),
        target in "[a-z0-9]{0,3}",
        header in prop::sample::select(vec!["auto", "yes", "no"]),
        task in prop::sample::select(vec!["auto", "classification", "regression"]),
    ) {
        let options = Options { target: &target, task, header, separator: "auto" };
        let _ = parse(&bytes, Path::new("table.csv"), &options);
    }

    #[test]
    fn no_table_like_text_makes_the_reader_panic(text in "([0-9a-c.e+-]{0,3}[,;\t\n\"]){0,40}") {
        if let Ok(dataset) = table(&text, &AUTO) {
            prop_assert!(!dataset.is_empty());
            prop_assert_eq!(dataset.inputs.len(), dataset.len() * dataset.shape.len());
            prop_assert!(dataset.inputs.iter().all(|x| x.is_finite()));
            for label in dataset.labels().unwrap_or_default() {
                prop_assert!((*label as usize) < dataset.outputs());
            }
        }
    }
}
